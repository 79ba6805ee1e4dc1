/** Commits with hundreds of recipients, as a member takes them: the proof is verified in a worker, and everything else goes on. */
import {
  advanceGroup,
  clientVerification,
  decodeInvite,
  encodeInvite,
  encodeTree,
  parseFrame,
  Secret,
  SealedGroup,
  SigningKey,
  verifyCommit,
  verifyInvite,
  type CommitFrame,
  type JoinInput,
  type LeafIndex,
} from '@conclave/sealed-group';
import { DenseGroup, systemRandom as random, valueOf } from '@conclave/sealed-group/bench/dense-group';
import { afterAll, expect, test } from 'vitest';
import { createSystemClock } from '../src/index.ts';
import { createNodeSuite } from '../src/node/index.ts';
import { startProofThread } from '../src/node/proof-thread.ts';
import { createVerifierWithFallback } from '../src/proof-worker/create-verifier.ts';
import { createWorkerVerifier } from '../src/proof-worker/worker-verifier.ts';
import { commitWithFalseProof } from './forge-commit.ts';

const suite = createNodeSuite();
const worker = createWorkerVerifier({
  startThread: startProofThread,
  kernel: suite.kernel,
  clock: createSystemClock(),
});
afterAll(() => worker.close());
const proofVerifier = createVerifierWithFallback({ suite, random }, worker.verify);

/** Every other leaf was removed, so all parents are blank: a commit is sealed to everybody one by one. */
const scatter = (members: number): DenseGroup => new DenseGroup(suite, members, (leaf) => leaf % 2 === 1);
const scattered = scatter(1_024);
const reader = 1_022;
const seq = 2;

/** How often this thread turns until it is done. */
async function countTurns<T>(work: () => Promise<T>): Promise<{ value: T; turns: number }> {
  let turns = 0;
  let isOver = false;
  const turn = (): void => {
    turns += 1;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  const value = await work();
  isOver = true;
  return { value, turns };
}

test('a commit with 511 recipients is taken while this thread goes on turning', async () => {
  const { bytes, bodyHash } = scattered.commit(scattered.publicGroup(), 0);
  const member = scattered.member(reader, { proofVerifier });
  const { value, turns } = await countTurns(() => member.processFrameAsync(bytes, seq));
  expect(valueOf(value)).toContainEqual(expect.objectContaining({ kind: 'epoch-changed' }));
  expect(member.lastSeen).toEqual(bodyHash);
  expect(turns).toBeGreaterThan(10);

  // In place it would not turn at all.
  const other = scattered.member(reader - 2);
  expect((await countTurns(() => other.processFrameAsync(bytes, seq))).turns).toBe(0);
  expect(other.authenticator).toEqual(member.authenticator);
});

test('one with a false proof is refused by the same rule as in place, and changes nothing', async () => {
  const smaller = scatter(128);
  const group = smaller.member(0);
  const forged = commitWithFalseProof({ suite, random, group, nowMs: 1_800_000_000_001 });
  const member = smaller.member(126, { proofVerifier });
  const before = member.encodeSecret();
  const refused = await member.processFrameAsync(forged, seq);
  expect(refused).toMatchObject({ ok: false, rule: expect.stringMatching(/^sealing\//) });
  expect(refused).toEqual(smaller.member(126).processFrame(forged, seq));
  expect(member.encodeSecret()).toEqual(before);
});

test('a newcomer joins by a commit with 512 recipients while this thread goes on turning', async () => {
  const input = inviteByScatteredCommit();
  const deps = scattered.person('newcomer');
  const { value, turns } = await countTurns(() => SealedGroup.joinAsync({ ...deps, proofVerifier }, input));
  expect(valueOf(value).group.status).toBe('joining');
  expect(turns).toBeGreaterThan(10);

  const noPoint = input.tree.slice();
  noPoint.fill(0xff, 10, 40);
  const cases = [
    [noPoint, 'tree/malformed-key'],
    // The first fault is named.
    [noPoint.subarray(0, -1), 'tree/malformed-key'],
    [input.tree.subarray(0, -1), 'tree/encoding'],
  ] as const;
  for (const [tree, rule] of cases) {
    const inPlace = SealedGroup.join(deps, { ...input, tree });
    expect(inPlace).toMatchObject({ ok: false, rule });
    expect(await SealedGroup.joinAsync({ ...deps, proofVerifier }, { ...input, tree })).toEqual(inPlace);
  }

  const commit = input.commit.slice();
  commit[commit.length - 1]! ^= 1;
  const refused = await SealedGroup.joinAsync({ ...deps, proofVerifier }, { ...input, commit });
  expect(refused).toMatchObject({ ok: false, rule: 'commit/new-signature' });
});

/** What a newcomer gets whom leaf 0 added to the scattered tree. */
function inviteByScatteredCommit(): JoinInput {
  const before = scattered.publicGroup();
  const nowMs = before.lastNowMs;
  const expiresAtMs = nowMs + 86_400_000;
  const built = scattered.commit(before, 0, [{ kind: 'add', role: 'member', device: false, expiresAtMs }]);
  const frame = valueOf(parseFrame(built.bytes)) as CommitFrame;
  const { effect } = valueOf(verifyCommit(before, frame, { ...clientVerification, sealingProof: false }));
  const after = advanceGroup(before, effect);
  const { leaf, secret } = built.secrets.addedLeaves[0]!;
  const invite = encodeInvite(
    {
      origin: after.origin,
      groupId: after.groupId,
      mode: after.mode,
      epoch: after.epoch,
      chain: Secret.copyOf(built.secrets.keys.chain.reveal()),
      treeHash: after.tree.treeHash(),
      transcript: after.transcript,
      leaf,
      leafSecret: Secret.copyOf(secret),
      expiresAtMs,
      inviter: { leaf: 0 as LeafIndex, epoch: 0 },
      roster: { blobId: random.bytes(16), sha256: random.bytes(32), key: new Secret(random.bytes(32)) },
    },
    SigningKey.generate(random),
  );
  return {
    invite: valueOf(verifyInvite(suite, valueOf(decodeInvite(invite)), { nowMs })),
    tree: encodeTree(after.tree),
    commit: built.bytes,
    commitSeq: seq,
    snapshot: undefined,
  };
}
