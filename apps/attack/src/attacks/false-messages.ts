/**
 * Messages whose inside is false, which the server cannot see and lets through: honest clients show none of them, and say by which rule.
 * In three groups: an open one, one in which every message is signed by its leaf, and one whose only administrator is malicious.
 */
import { sealMessage } from '@conclave/sealed-group';
import type { GroupMode, LeafIndex, RuleId } from '@conclave/sealed-group';
import { valueOf } from '@conclave/testkit';
import { answerText, markOf } from '../attack.ts';
import { patienceMs } from '../honest/honest-process.ts';
import { flipped } from '../mallory/bad-encodings.ts';
import type { Mallory } from '../mallory/mallory.ts';
import { oddMessage } from '../mallory/odd-insides.ts';
import { sealedMessage as sealed } from '../mallory/sealed-message.ts';
import { openArena, patiently, settled, stillTalk, viewsOf } from '../stage.ts';
import type { Arena, Stage } from '../stage.ts';
import { commitSaying } from './false-entries.ts';

const part = 'cheating members';
const bo = 2 as LeafIndex;

interface FalseMessage {
  readonly name: string;
  readonly target: RuleId;
  readonly make: (mallory: Mallory) => Uint8Array | Promise<Uint8Array>;
}

/** The first two generations are used up by the controls. */
const unused = 2;

const inTheOpen: readonly FalseMessage[] = [
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
      for (let count = 0; count < unused; count++) valueOf(keys!.secretTree.takeNext(mallory.leaf));
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
  {
    name: 'padding that is not zero',
    target: 'message/padding',
    make: odd({ padded: (plaintext) => flipped(plaintext, -1) }),
  },
  {
    name: 'more padding than there is to be',
    target: 'message/padding',
    make: odd({ padded: (plaintext) => Uint8Array.of(...plaintext, 0, 0, 0, 0) }),
  },
  {
    name: 'no padding at all',
    target: 'message/padding',
    make: odd({ padded: (plaintext) => plaintext.subarray(0, 200) }),
  },
  {
    name: 'a text that is no UTF-8',
    target: 'message/content',
    make: odd({ says: { content: Uint8Array.of(0x68, 0x69, 0xff) } }),
  },
  {
    name: 'a type with a space',
    target: 'message/content',
    make: odd({ says: { type: 'a text' } }),
  },
  {
    name: 'a last frame of 31 octets',
    target: 'message/content',
    make: odd({ says: { lastSeen: new Uint8Array(31) } }),
  },
];

const signedByLeaves: readonly FalseMessage[] = [
  {
    name: 'Bo’s words, posted by Mallory’s leaf',
    target: 'message/leaf-proof-matches',
    make: (mallory) => sealed(mallory, { leaf: bo, text: 'I am Bo', provenBy: mallory }),
  },
  {
    name: 'Mallory’s words, posted by an accomplice’s leaf',
    target: 'message/leaf-proof-matches',
    make: async (mallory) => {
      const accomplice = await mallory.accomplice('Eve', 'member');
      return sealed(mallory, { text: 'I am Eve', provenBy: accomplice });
    },
  },
];

const byNobody: readonly FalseMessage[] = [
  {
    name: 'by a leaf that has not said who it is',
    target: 'message/sender-certified',
    async make(mallory) {
      await mallory.member.sync();
      const commit = commitSaying(mallory, (entry) => ({ entry: { ...entry, leaf: 1 } }));
      const answer = await patiently(() => mallory.post(commit));
      if (answer.status !== 200) throw new Error(`a commit was answered ${answerText(answer)}`);
      mallory.member.process(commit, answer.body.seq);
      return sealed(mallory, { text: 'I am nobody' });
    },
  },
];

export async function sendFalseMessages(stage: Stage): Promise<void> {
  const open = await openArena(stage, 'false messages');
  await open.founder.member.add('member');
  await settled(open);
  const arenas: readonly (readonly [Arena, readonly FalseMessage[], readonly Uint8Array[]])[] = [
    [open, inTheOpen, [sealed(open.founder, { text: word }), oddMessage(open.founder, oddWord, { skip: 1 })]],
    ...(await Promise.all([signedArena(stage), lonelyArena(stage)])),
  ];
  await Promise.all(arenas.map(([arena, kinds, honest]) => sendAll(stage, arena, kinds, honest)));
  // None of it consumed a key that honest messages need [F5].
  const faults = await stillTalk(open, 'false messages');
  stage.outcomes.push({
    part,
    name: 'honest messages after all of them',
    target: 'message/generation-unused',
    mark: 'F5',
    expected: 'everybody hears everybody',
    observed: faults.length === 0 ? 'everybody hears everybody' : faults.join(', '),
    faults,
    isControlled: true,
  });
}

const word = 'an honest word';
const oddWord = 'an honest word, sealed by hand';

async function signedArena(stage: Stage) {
  const mode: Partial<GroupMode> = { leafProof: true };
  const arena = await openArena(stage, 'false messages, signed by leaves', { mode });
  const { founder } = arena;
  return [arena, signedByLeaves, [sealed(founder, { text: word, provenBy: founder })]] as const;
}

/** Nobody honest is there who could remove the leaf. */
async function lonelyArena(stage: Stage) {
  const arena = await openArena(stage, 'messages by nobody', { people: [[stage.people[1]!, 'member']] });
  return [arena, byNobody, [sealed(arena.founder, { text: word })]] as const;
}

/** `honest`: made in the same ways, and shown as what they say; the control of all the others. */
async function sendAll(
  stage: Stage,
  arena: Arena,
  kinds: readonly FalseMessage[],
  honest: readonly Uint8Array[],
): Promise<void> {
  const isShown = await areShown(arena, honest);
  for (const { name, target, make } of kinds) {
    const faults: string[] = [];
    const before = await viewsOf(arena.groupId, arena.people);
    const frame = await make(arena.founder);
    const answer = await patiently(() => arena.founder.post(frame));
    if (answer.status !== 200) faults.push(`answered ${answerText(answer)}`);
    for (const [index, person] of arena.people.entries()) {
      const fault = await notNoticedBy(arena, person, target, before[index]!.warnings);
      if (fault !== undefined) faults.push(fault);
    }
    const after = await viewsOf(arena.groupId, arena.people);
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
}

/** What is wrong, or nothing: a new warning that names the rule. What else it was warned of came first. */
async function notNoticedBy(
  { groupId }: Arena,
  person: Arena['people'][number],
  target: RuleId,
  warningsBefore: number,
): Promise<string | undefined> {
  const deadline = Date.now() + patienceMs;
  for (let count = warningsBefore + 1; ; count++) {
    const timeoutMs = Math.max(0, deadline - Date.now());
    const isWarned = await person.call('waitForWarnings', { group: groupId, count, timeoutMs });
    if (!isWarned) break;
    const warning = (await person.call('warnings', groupId))[count - 1]!;
    if (warning.kind === 'unauthentic-message') {
      return warning.rule === target ? undefined : `${person.name} says ${warning.rule}`;
    }
  }
  return `${person.name} does not notice`;
}

async function areShown(
  { founder, groupId, people }: Arena,
  frames: readonly Uint8Array[],
): Promise<boolean> {
  for (const frame of frames) {
    const answer = await patiently(() => founder.post(frame));
    if (answer.status !== 200) return false;
  }
  const texts = [word, oddWord].slice(0, frames.length);
  const shown = people.flatMap((person) =>
    texts.map((text) => person.call('waitForText', { group: groupId, text, timeoutMs: patienceMs })),
  );
  return (await Promise.all(shown)).every(Boolean);
}

function odd(change: Parameters<typeof oddMessage>[2]): FalseMessage['make'] {
  return (mallory) => oddMessage(mallory, 'nobody reads this', { skip: unused, ...change });
}

function pendingLeafOf({ member }: Mallory): LeafIndex {
  return member.group.members().find(({ isPending }) => isPending)!.instance.leaf;
}
