/**
 * What the server cannot see and lets through: commits whose sealed parts are false. Honest clients follow every one, show nothing
 * that is false, and say what they saw.
 */
import { systemRandom } from '@conclave/platform';
import type { RuleId } from '@conclave/sealed-group';
import type { Warning } from '@conclave/sdk';
import { answerText, markOf } from '../attack.ts';
import { patienceMs } from '../honest/honest-process.ts';
import { flipped } from '../mallory/bad-encodings.ts';
import { deviantCommit } from '../mallory/deviant-commit.ts';
import { oddPayload } from '../mallory/odd-insides.ts';
import { commitSaying, falseEntries } from './false-entries.ts';
import { sendFalseMessages } from './false-messages.ts';
import type { Mallory } from '../mallory/mallory.ts';
import { openArena, patiently, settled, stillTalk } from '../stage.ts';
import type { Arena, Stage } from '../stage.ts';

const part = 'cheating members';

export async function cheat(stage: Stage): Promise<void> {
  await cheatingCommit(
    stage,
    'digits that have to be searched for',
    'sealing/digit-in-table',
    (mallory) => {
      const good = mallory.prepare();
      const { frame, secrets } = deviantCommit(mallory, good);
      mallory.adopt(good, frame, secrets);
      return frame;
    },
    (warning) => warning.kind === 'slow-secret',
  );
  await cheatingCommit(
    stage,
    'a false confirmation',
    'identity/confirm',
    (mallory) => {
      const good = mallory.prepare();
      const frame = mallory.forge(good, { trail: ({ confirm }) => ({ confirm: flipped(confirm, 0) }) });
      mallory.adopt(good, frame);
      return frame;
    },
    misbehaviour('identity/confirm'),
  );
  await cheatingCommit(
    stage,
    'a payload that nobody can open',
    'identity/payload-decrypts',
    (mallory) => {
      const good = mallory.prepare();
      const frame = mallory.forge(good, {
        trail: ({ payload }) => ({ payload: systemRandom.bytes(payload.length) }),
      });
      mallory.adopt(good, frame);
      return frame;
    },
    misbehaviour('identity/payload-decrypts'),
  );
  await cheatingCommit(
    stage,
    'a payload with padding that is not zero',
    'identity/payload-form',
    (mallory) => {
      const good = mallory.prepare();
      const { keys } = good.secrets;
      const frame = mallory.forge(good, {
        trail: ({ payload }) => ({
          payload: oddPayload(keys, good.frame.bodyHash, payload, (padded) => flipped(padded, -1)),
        }),
      });
      mallory.adopt(good, frame);
      return frame;
    },
    misbehaviour('identity/payload-form'),
  );
  await Promise.all(
    falseEntries.map(({ name, breaks, by, say }) =>
      cheatingCommit(
        stage,
        name,
        breaks,
        async (founder) => commitSaying((await by?.(founder)) ?? founder, say),
        misbehaviour(breaks),
      ),
    ),
  );
  await sendFalseMessages(stage);
}

function misbehaviour(rule: RuleId): (warning: Warning) => boolean {
  return (warning) => warning.kind === 'misbehaviour' && warning.rule === rule;
}

/** The server accepts it; everybody follows it into the same epoch, and says what was wrong. In a group of its own. */
async function cheatingCommit(
  stage: Stage,
  name: string,
  target: RuleId,
  make: (mallory: Mallory) => Uint8Array | Promise<Uint8Array>,
  isNoticed: (warning: Warning) => boolean,
): Promise<void> {
  const arena = await openArena(stage, name);
  const { founder, groupId, people } = arena;
  // The control: an honest commit, of which nobody is warned.
  const honest = await patiently(() => founder.member.commit());
  const isCalm =
    honest.status === 200 && (await settled(arena)) && (await noticedBy(arena, () => true)) === 0;
  const frame = await make(founder);
  const answer = await patiently(() => founder.post(frame));
  const faults: string[] = [];
  if (answer.status === 200) {
    founder.member.process(frame, answer.body.seq);
    const { epoch } = founder.member.group;
    const followed = await Promise.all(
      people.map((person) => person.call('waitForEpoch', { group: groupId, epoch, timeoutMs: patienceMs })),
    );
    if (!followed.every(Boolean)) faults.push('an honest member does not follow');
    if ((await noticedBy(arena, isNoticed)) < people.length) faults.push('an honest member does not notice');
    faults.push(...(await stillTalk(arena, name)));
  } else faults.push(`answered ${answerText(answer)}`);
  stage.outcomes.push({
    part,
    name,
    target,
    mark: markOf(target),
    expected: '200, followed and noticed',
    observed: answerText(answer),
    faults: isCalm ? faults : [...faults, 'the control was not accepted calmly'],
    isControlled: isCalm,
    exercises: faults.length === 0,
  });
}

/** How many of the honest have been given such a warning. */
async function noticedBy({ groupId, people }: Arena, isIt: (warning: Warning) => boolean): Promise<number> {
  const warnings = await Promise.all(people.map((person) => person.call('warnings', groupId)));
  return warnings.filter((list) => list.some(isIt)).length;
}
