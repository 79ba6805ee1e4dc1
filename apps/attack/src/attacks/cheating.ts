/**
 * What the server cannot see and lets through: cheating committers, and messages whose inside is false. Honest clients
 * follow every commit, show nothing that is false, and say what they saw.
 */
import { systemRandom } from '@conclave/platform';
import { sealMessage } from '@conclave/sealed-group';
import type { LeafIndex, RuleId } from '@conclave/sealed-group';
import type { Warning } from '@conclave/sdk';
import { valueOf } from '@conclave/testkit';
import { answerText, markOf } from '../attack.ts';
import { patienceMs } from '../honest/honest-process.ts';
import { flipped } from '../mallory/bad-encodings.ts';
import { deviantCommit } from '../mallory/deviant-commit.ts';
import { commitSaying, falseEntries } from './false-entries.ts';
import type { Mallory } from '../mallory/mallory.ts';
import { sealedMessage as sealed } from '../mallory/sealed-message.ts';
import { openArena, patiently, settled, stillTalk, viewsOf } from '../stage.ts';
import type { Arena, Stage } from '../stage.ts';

const part = 'cheating members';
const bo = 2 as LeafIndex;

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
  await falseMessages(stage);
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

interface FalseMessage {
  readonly name: string;
  readonly target: RuleId;
  readonly make: (mallory: Mallory) => Uint8Array;
}

const falseKinds: readonly FalseMessage[] = [
  {
    name: 'in Bo’s name: Bo’s key, Mallory’s signature',
    target: 'message/signature',
    make: (mallory) => sealed(mallory, { leaf: bo, text: 'I am Bo' }),
  },
  {
    name: 'a generation that was used before',
    target: 'message/generation-unused',
    make: (mallory) => sealed(mallory, { text: 'once more' }),
  },
  {
    name: 'a generation far ahead',
    target: 'message/generation-in-window',
    make: (mallory) => sealed(mallory, { skip: 2_000, text: 'from the future' }),
  },
  {
    name: 'random octets for a ciphertext',
    target: 'message/leaf-in-tree',
    make: (mallory) => mallory.message(),
  },
  {
    name: 'a ciphertext with one bit changed',
    target: 'message/decrypts',
    make: (mallory) => {
      const { keys, signingKey, lastSeen } = mallory.state;
      const { header } = mallory;
      valueOf(keys!.secretTree.takeNext(mallory.leaf));
      const content = valueOf(
        sealMessage({
          keys: keys!,
          frame: header,
          leaf: mallory.leaf,
          signingKey: signingKey!,
          lastSeen,
          content: { kind: 'text', text: 'changed' },
        }),
      );
      const { ciphertext } = content;
      // The mask of the header depends on the first 16 octets: the change comes after them.
      return mallory.message({ header, masked: content.header, ciphertext: flipped(ciphertext, 20) });
    },
  },
  {
    name: 'in the name of an invited leaf that has not joined',
    target: 'message/sender-joined',
    make: (mallory) => sealed(mallory, { leaf: pendingLeafOf(mallory), text: 'I am not here yet' }),
  },
  {
    name: 'no ciphertext at all',
    target: 'message/header-length',
    make: (mallory) => mallory.message({ ciphertext: new Uint8Array(3) }),
  },
];

function pendingLeafOf({ member }: Mallory): LeafIndex {
  return member.group.members().find(({ isPending }) => isPending)!.instance.leaf;
}

async function falseMessages(stage: Stage): Promise<void> {
  const arena = await openArena(stage, 'false messages');
  const { founder, groupId, people } = arena;
  await founder.member.add('member');
  await settled(arena);
  // The control of all of them: made in the same way, shown as what it says. It is also the first use of generation 0.
  const first = await founder.post(sealed(founder, { text: 'an honest word' }));
  const isShown =
    first.status === 200 &&
    (
      await Promise.all(
        people.map((person) =>
          person.call('waitForText', { group: groupId, text: 'an honest word', timeoutMs: patienceMs }),
        ),
      )
    ).every(Boolean);
  for (const { name, target, make } of falseKinds) {
    const before = await viewsOf(groupId, people);
    const answer = await founder.post(make(founder));
    const faults: string[] = [];
    if (answer.status !== 200) faults.push(`answered ${answerText(answer)}`);
    for (const [index, person] of people.entries()) {
      const isWarned = await person.call('waitForWarnings', {
        group: groupId,
        count: before[index]!.warnings + 1,
        timeoutMs: patienceMs,
      });
      if (!isWarned) faults.push(`${person.name} does not notice`);
      const last = (await person.call('warnings', groupId)).at(-1);
      if (last?.kind !== 'unauthentic-message' || last.rule !== target) {
        faults.push(`${person.name} says ${JSON.stringify(last)}`);
      }
    }
    const after = await viewsOf(groupId, people);
    if (after.some(({ messages }, index) => messages !== before[index]!.messages)) faults.push('it is shown');
    stage.outcomes.push({
      part,
      name: `a message: ${name}`,
      target,
      mark: markOf(target),
      expected: '200, not shown, and said so',
      observed: answerText(answer),
      faults: isShown ? faults : [...faults, 'the control was not shown'],
      isControlled: isShown,
      exercises: faults.length === 0,
    });
  }
  // None of it consumed a key that honest messages need [F5].
  const faults = await stillTalk(arena, 'false messages');
  stage.outcomes.push({
    part,
    name: 'honest messages after all of them',
    target: 'message/generation-unused',
    mark: 'F5',
    expected: 'everybody hears everybody',
    observed: faults.length === 0 ? 'everybody hears everybody' : faults.join(', '),
    faults,
    isControlled: isShown,
  });
}
