/**
 * Nonces that are used twice. Of frames: the key of a message comes from its generation and the nonce together, so that a nonce that
 * was used before, by anybody, costs nothing; a generation opens one message. Of signatures: two with one R give the key
 * away, to everybody who sees them. What that leaf may the thief may too, and nothing of any other.
 */
import { systemRandom } from '@conclave/platform';
import {
  leafMessageContext,
  encodeBody,
  encodeFrame,
  encodeMessageTrailer,
  frameBodyHash,
  leafNode,
  parseFrame,
  publicKeyOf,
  signChallenge,
} from '@conclave/sealed-group';
import type { LeafIndex, SecretScalar } from '@conclave/sealed-group';
import { ask, base64url, fromBase64url, testSuite, valueOf } from '@conclave/testkit';
import type { ServerAnswer } from '@conclave/testkit';
import { nameBytes } from '../../../../packages/sealed-group/src/hash/label.ts';
import { Transcript } from '../../../../packages/sealed-group/src/hash/transcript.ts';
import { answerFor, answerText } from '../attack.ts';
import type { Target } from '../attack.ts';
import { patienceMs } from '../honest/honest-process.ts';
import { newSecret } from '../mallory/mallory.ts';
import type { Mallory } from '../mallory/mallory.ts';
import { sealedMessage } from '../mallory/sealed-message.ts';
import { openArena, patiently, settled, stillTalk, viewsOf } from '../stage.ts';
import type { Arena, Stage } from '../stage.ts';

const part = 'nonces used twice';
const bo = 2 as LeafIndex;

export async function reuseNonces(stage: Stage): Promise<void> {
  await Promise.all([reuseFrameNonces(stage), reuseSignatureNonce(stage)]);
}

// Frames.

async function reuseFrameNonces(stage: Stage): Promise<void> {
  const arena = await openArena(stage, 'frame nonces');
  const { founder, groupId, people } = arena;
  const nonce = systemRandom.bytes(16);
  const first = sealedMessage(founder, { text: 'the first under this nonce', header: { nonce } });
  // The same key and nonce of AES-GCM: whoever compares the ciphertexts learns about these two messages, both the cheater's own.
  const twice = sealedMessage(founder, { text: 'the same generation and nonce', header: { nonce } });
  const isControlled = (await shown(arena, first, 'the first under this nonce')).length === 0;

  const again = sealedMessage(founder, { skip: 1, text: 'another body under it', header: { nonce } });
  note(
    'the nonce of an own frame, with another body',
    'surface/nonce',
    await shown(arena, again, 'another body under it'),
  );

  const { member } = founder;
  await people[1]!.call('say', { group: groupId, text: 'of Bo' });
  await member.sync();
  const page = await member.readLog(member.group.lastSeq - 1);
  const ofBo = valueOf(parseFrame(page.frames.at(-1)!.frame)).header.nonce;
  const copied = sealedMessage(founder, { skip: 2, text: 'under Bo’s nonce', header: { nonce: ofBo } });
  note('a nonce of another member’s frame', 'surface/nonce', await shown(arena, copied, 'under Bo’s nonce'));

  note(
    'generation and nonce of an own message, with another content',
    'message/generation-unused',
    await refusedByClients(arena, twice),
  );
  note('honest messages after all of them', 'surface/nonce', await stillTalk(arena, 'nonces used twice'));

  function note(name: string, target: Target, faults: readonly string[]): void {
    stage.outcomes.push({
      part,
      name,
      target,
      mark: undefined,
      expected: target === 'surface/nonce' ? 'harmless' : '200, not shown, and said so',
      observed: faults.length === 0 ? (target === 'surface/nonce' ? 'harmless' : '200') : faults.join(', '),
      faults: isControlled ? faults : [...faults, 'the control was not shown'],
      isControlled,
      exercises: faults.length === 0,
    });
  }
}

/** What is wrong with a frame that everybody should accept and show. */
async function shown(
  { founder, groupId, people }: Arena,
  frame: Uint8Array,
  text: string,
): Promise<string[]> {
  const answer = await founder.post(frame);
  if (answer.status !== 200) return [`answered ${answerText(answer)}`];
  const heard = people.map((person) =>
    person.call('waitForText', { group: groupId, text, timeoutMs: patienceMs }),
  );
  return (await Promise.all(heard)).every(Boolean) ? [] : ['not everybody hears it'];
}

async function refusedByClients({ founder, groupId, people }: Arena, frame: Uint8Array): Promise<string[]> {
  const before = await viewsOf(groupId, people);
  const answer = await founder.post(frame);
  const faults = answer.status === 200 ? [] : [`answered ${answerText(answer)}`];
  for (const [index, person] of people.entries()) {
    const count = before[index]!.warnings + 1;
    await person.call('waitForWarnings', { group: groupId, count, timeoutMs: patienceMs });
    const last = (await person.call('warnings', groupId)).at(-1);
    if (last?.kind !== 'unauthentic-message' || last.rule !== 'message/generation-unused')
      faults.push(`${person.name} says ${JSON.stringify(last)}`);
  }
  const after = await viewsOf(groupId, people);
  if (after.some(({ messages }, index) => messages !== before[index]!.messages)) faults.push('it is shown');
  return faults;
}

// Signatures.

/** A proof of a leaf for a message, with a nonce that the signer chose; what everybody sees of it. */
interface Seen {
  readonly challenge: bigint;
  readonly response: bigint;
}

async function reuseSignatureNonce(stage: Stage): Promise<void> {
  const arena = await openArena(stage, 'signature nonces', { mode: { leafProof: true } });
  const { founder } = arena;
  const eve = await founder.accomplice('Eve', 'member');
  const isSettled = await settled(arena);
  const nonce = newSecret();
  // Eve is careless: two messages, one R. Both are valid, so the server has them and every member too.
  const said = [nonce, nonce].map((k) => signWith(eve, k));
  const answers = [];
  for (const { frame } of said) answers.push(await eve.post(frame));
  const stolen = solve(said[0]!, said[1]!);
  const honest = [newSecret(), newSecret()].map((k) => signWith(eve, k));
  const isControlled =
    isSettled &&
    answers.every(({ status }) => status === 200) &&
    !isKeyOf(eve, solve(honest[0]!, honest[1]!));
  note(
    'two signatures with one R give the key of their leaf',
    'the key',
    isKeyOf(eve, stolen) ? 'the key' : 'nothing',
  );

  // The thief has this one scalar and what is public.
  const asLeaf = (leaf: LeafIndex): Promise<ServerAnswer> => readAs(eve, leaf, stolen);
  note('with it the thief reads the log as that leaf', '200', String((await asLeaf(eve.leaf)).status));
  const denied = answerFor('read/proof');
  note('and not as Bo', denied, answerText(await asLeaf(bo)));
  note('and not as the root', denied, answerText(await readAs(eve, undefined, stolen)));
  const notEligible = answerFor('commit/eligible');
  const speak = (leaf: LeafIndex): Promise<ServerAnswer> =>
    patiently(() => founder.post(eve.message({ leaf, secret: stolen })));
  note('it proves no message as Bo', notEligible, answerText(await speak(bo)));
  const leave = (leaf: LeafIndex, leafEpoch: number): Promise<ServerAnswer> =>
    patiently(() => founder.post(eve.leaveFrame({ leaf, leafEpoch, secret: stolen })));
  const ofBo = eve.member.group.tree.leaf(bo)!;
  note('it lets nobody else leave', notEligible, answerText(await leave(bo, ofBo.epoch)));
  const stolenCommit = founder.forge(founder.prepare(), { oldSecret: stolen });
  note(
    'it signs no commit of another leaf',
    notEligible,
    answerText(await patiently(() => founder.post(stolenCommit))),
  );
  const { people, groupId } = arena;
  const before = await viewsOf(groupId, people);
  note('it proves messages as that leaf', '200', String((await speak(eve.leaf)).status));
  const faults: string[] = [];
  for (const [index, person] of people.entries())
    if (
      !(await person.call('waitForWarnings', {
        group: groupId,
        count: before[index]!.warnings + 1,
        timeoutMs: patienceMs,
      }))
    )
      faults.push(`${person.name} does not notice`);
  const after = await viewsOf(groupId, people);
  if (after.some(({ messages }, index) => messages !== before[index]!.messages)) faults.push('it is shown');
  note('which nobody is shown: what it says is not signed', 'not shown', faults.join(', ') || 'not shown');
  note('it lets that leaf leave', '200', String((await leave(eve.leaf, eve.member.group.me.epoch)).status));
  await waitUntilGone(arena, eve);
  note('after which it is worth nothing', denied, answerText(await asLeaf(eve.leaf)));

  function note(name: string, expected: string, observed: string): void {
    const isRight = observed === expected;
    stage.outcomes.push({
      part,
      name,
      target: 'surface/nonce',
      mark: 'F9',
      expected,
      observed,
      faults: [
        ...(isRight ? [] : [`${observed} instead`]),
        ...(isControlled
          ? []
          : ['the control: fresh nonces give the key away, or the careless messages were refused']),
      ],
      isControlled,
    });
  }
}

/** A message with a leaf proof whose nonce is `k`: z = k + c·x (docs/sealed-groups.md §2.3), by hand, because the package hedges. */
function signWith(mallory: Mallory, k: SecretScalar): Seen & { readonly frame: Uint8Array } {
  const { group } = testSuite;
  const { header, leaf, leafSecret } = mallory;
  const body = encodeBody(header, {
    kind: 'message',
    header: systemRandom.bytes(8),
    ciphertext: systemRandom.bytes(300),
  });
  const commitment = group.encodePoint(group.multiplyGenerator(k));
  const challenge = Transcript.start(testSuite, 'signature')
    .absorb('purpose', nameBytes('leaf-message'))
    .absorb('context', leafMessageContext(header, frameBodyHash(body), leaf))
    .absorb('public key', publicKeyOf(testSuite, leafSecret))
    .absorb('commitment', commitment)
    .challengeScalar(group.scalars, 'c');
  const response = group.scalars.add(k, group.scalars.multiply(challenge, leafSecret));
  const signature = Buffer.concat([commitment, response]);
  return {
    frame: encodeFrame(body, encodeMessageTrailer({ proof: 'leaf', leaf, signature })),
    challenge: toNumber(challenge),
    response: toNumber(response),
  };
}

const order = 2n ** 252n + 27_742_317_777_372_353_535_851_937_790_883_648_493n;

/** x = (z₁ − z₂) / (c₁ − c₂), if R was one. */
function solve(first: Seen, second: Seen): SecretScalar {
  const divisor = mod(first.challenge - second.challenge);
  return toScalar(mod(mod(first.response - second.response) * power(divisor, order - 2n)));
}

function isKeyOf({ leafSecret }: Mallory, secret: SecretScalar): boolean {
  return Buffer.from(leafSecret).equals(secret);
}

/** By the key of this leaf, or of the root. */
async function readAs(
  { member }: Mallory,
  leaf: LeafIndex | undefined,
  secret: SecretScalar,
): Promise<ServerAnswer> {
  const { origin, groupId, tree } = member.group;
  const challenge = await member.challenge();
  const signature = signChallenge(testSuite, {
    origin,
    groupId,
    challenge: fromBase64url(challenge),
    secret,
    publicKey: publicKeyOf(testSuite, secret),
    hedge: { secret, random: systemRandom, context: fromBase64url(challenge) },
  });
  const node = leaf === undefined ? tree.leafCount - 1 : leafNode(leaf);
  return await ask(member.url, 'POST', `${member.path}/token`, {
    json: { challenge, node, signature: base64url(signature) },
  });
}

/** Somebody's program carries the leave out; here the founder does. */
async function waitUntilGone(arena: Arena, eve: Mallory): Promise<void> {
  const { member } = arena.founder;
  await member.sync();
  if (member.group.tree.leaf(eve.leaf) !== undefined) await patiently(() => member.commit());
  await settled(arena);
}

function mod(value: bigint): bigint {
  return ((value % order) + order) % order;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let square = base, rest = exponent; rest > 0n; rest >>= 1n, square = mod(square * square))
    if ((rest & 1n) === 1n) result = mod(result * square);
  return result;
}

function toNumber(scalar: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(scalar).reverse().toString('hex')}`);
}

function toScalar(value: bigint): SecretScalar {
  const bytes = Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse();
  return testSuite.group.scalars.fromBytes(bytes) as SecretScalar;
}
