/**
 * What a server gives to a newcomer before the tree (docs/sealed-groups.md §8.7), changed on its way by a proxy: the preview ends, shows
 * nothing from there on, and the join is as if there had been none. Ada comes the same way without lies: she is shown all of it.
 */
import type { RuleId } from '@conclave/sealed-group';
import { startLyingServer, valueOf } from '@conclave/testkit';
import type { Opening, SealedRow } from '../../../../packages/sealed-group/src/preview/preview-codec.ts';
import {
  decodeOpening,
  decodePreviewPage,
  decodePreviewStart,
  encodeOpening,
  encodePreviewPage,
  encodePreviewStart,
} from '../../../../packages/sealed-group/src/preview/preview-codec.ts';
import { answerText, markOf } from '../attack.ts';
import type { HonestProcess } from '../honest/honest-process.ts';
import { patienceMs } from '../honest/honest-process.ts';
import { flipped } from '../mallory/bad-encodings.ts';
import { openArena, patiently } from '../stage.ts';
import type { Arena, Stage } from '../stage.ts';

const part = 'newcomers';
const secret = 'said before you came';

interface FalsePreview {
  readonly name: string;
  readonly breaks: RuleId;
  readonly change: (page: Uint8Array) => Uint8Array;
}

const falsePreviews: readonly FalsePreview[] = [
  { name: 'a page that is cut short', breaks: 'preview/form', change: (page) => page.subarray(0, -1) },
  { name: 'no start', breaks: 'preview/form', change: inPage((page) => ({ ...page, start: undefined })) },
  {
    name: 'an opening with a hash of 31 octets',
    breaks: 'preview/form',
    change: inOpening((opening) => ({ ...opening, bodyHash: opening.bodyHash.subarray(1) })),
  },
  {
    name: 'the opening of the epoch after the next',
    breaks: 'preview/next-epoch',
    change: inOpening((opening) => ({ ...opening, epoch: opening.epoch + 1 })),
  },
  {
    name: 'the first opening twice',
    breaks: 'preview/next-epoch',
    change: inPage((page) => {
      const first = page.items.find(({ kind }) => kind === 'opening')!;
      return { ...page, items: [{ ...first, seq: first.seq - 1 }, ...page.items] };
    }),
  },
  {
    name: 'a larger tree without its root',
    breaks: 'preview/path',
    change: inOpening((opening) => ({ ...opening, leafCount: 2 * opening.leafCount })),
  },
  {
    name: 'digits in another order',
    breaks: 'preview/opens',
    change: inOpening((opening) => ({ ...opening, sealed: opening.sealed.map(exchanged) })),
  },
  {
    name: 'a start with digits in another order',
    breaks: 'preview/opens',
    change: inPage(({ start, ...page }) => {
      const { path, sealed } = valueOf(decodePreviewStart(start!));
      return { ...page, start: encodePreviewStart({ path, sealed: sealed.map(exchanged) }) };
    }),
  },
  {
    name: 'a confirmation that nobody made',
    breaks: 'preview/confirm',
    change: inOpening((opening) => ({ ...opening, confirm: flipped(opening.confirm, 0) })),
  },
  {
    name: 'another mode',
    breaks: 'preview/confirm',
    change: inOpening((opening) => ({
      ...opening,
      mode: { leafProof: true, minWriter: 'owner', ownDevices: false },
    })),
  },
];

export async function previewFalsely(stage: Stage): Promise<void> {
  await Promise.all(falsePreviews.map((one) => previewOne(stage, one)));
}

async function previewOne(stage: Stage, { name, breaks, change }: FalsePreview): Promise<void> {
  await using lying = await startLyingServer({ target: stage.url });
  const [ada, bo] = stage.people as [HonestProcess, HonestProcess];
  const arena = await openArena(stage, name, { people: [] });
  const { founder } = arena;
  const bos = await founder.inviteLink('member', lying.url);
  const adas = await founder.inviteLink('member', lying.url);
  for (const post of [() => founder.member.commit(), () => founder.member.say(secret)]) {
    const answer = await patiently(post);
    if (answer.status !== 200) throw new Error(`before a preview: ${answerText(answer)}`);
  }
  lying.rewrite(/\/preview$/, change, { to: [bo.name] });

  const { observed, faults } = await joinedBy(arena, bo, bos);
  if (observed !== breaks) faults.push(`ended by ${observed}`);
  const shown = (await bo.call('previewed', arena.groupId)).texts;
  if (shown.length > 0) faults.push(`shown: ${shown.join(', ')}`);
  const control = await joinedBy(arena, ada, adas);
  const truth = (await ada.call('previewed', arena.groupId)).texts;
  if (control.observed !== 'complete') control.faults.push(`ended by ${control.observed}`);
  if (truth.join() !== secret) control.faults.push(`shown: ${truth.join(', ')}`);
  stage.outcomes.push({
    part,
    name: `a preview: ${name}`,
    target: breaks,
    mark: markOf(breaks),
    expected: `ended by ${breaks}, and joined`,
    observed,
    faults: [...faults, ...control.faults.map((fault) => `the control: ${fault}`)],
    isControlled: control.faults.length === 0,
    exercises: faults.length === 0,
  });
}

/** By what the preview ended; the join is complete, and brings what was said, whatever became of the preview. */
async function joinedBy(
  { groupId }: Arena,
  person: HonestProcess,
  link: string,
): Promise<{ readonly observed: string; readonly faults: string[] }> {
  const { refusal } = await person.call('tryJoin', link);
  if (refusal !== undefined) return { observed: refusal, faults: [`the join was refused: ${refusal}`] };
  const faults: string[] = [];
  const { ended = 'nothing' } = await person.call('previewed', groupId);
  const said = { group: groupId, text: secret, timeoutMs: patienceMs };
  if (!(await person.call('waitForText', said))) faults.push(`${person.name} does not read what was said`);
  const warnings = await person.call('warnings', groupId);
  if (warnings.length > 0) faults.push(`${person.name} was warned of ${JSON.stringify(warnings)}`);
  return { observed: ended, faults };
}

type Page = Parameters<typeof encodePreviewPage>[0];

function inPage(change: (page: Page) => Page): (octets: Uint8Array) => Uint8Array {
  return (octets) => encodePreviewPage(change(valueOf(decodePreviewPage(octets))));
}

/** The first of the page. */
function inOpening(change: (opening: Opening) => Opening): (octets: Uint8Array) => Uint8Array {
  return inPage((page) => {
    const first = page.items.findIndex(({ kind }) => kind === 'opening');
    return {
      ...page,
      items: page.items.map((item, at) =>
        at === first ? { ...item, bytes: encodeOpening(change(valueOf(decodeOpening(item.bytes)))) } : item,
      ),
    };
  });
}

/** The first two digits in each other's place: still points. */
function exchanged(row: SealedRow): SealedRow {
  const { handles } = row;
  const octets = [handles.subarray(32, 64), handles.subarray(0, 32), handles.subarray(64)];
  return { ...row, handles: Uint8Array.from(Buffer.concat(octets)) };
}
