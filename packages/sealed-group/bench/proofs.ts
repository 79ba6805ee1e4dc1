/**
 * What commits and messages cost whom, in dense groups of several sizes, on one core. `conclave bench proofs` prints it with
 * the targets.
 */
import {
  checkEligibility,
  eligibilityClaim,
  leafFrom,
  serverVerification,
  verifyClaims,
  verifyClaimsOfOne,
  verifyCommit,
} from '../src/commit/index.ts';
import type { Claim, PublicGroup } from '../src/commit/index.ts';
import { messageContext } from '../src/commit/context.ts';
import { runInPlace } from '../src/group/errand.ts';
import { processCommit } from '../src/group/process-commit.ts';
import { publicKeyOf, sign } from '../src/signature/index.ts';
import type { Suite } from '../src/suite.ts';
import { createSuite } from '../src/suite.ts';
import type { CommitFrame, MessageFrame } from '../src/wire/index.ts';
import {
  encodeBody,
  encodeFrame,
  encodeMessageTrailer,
  frameBodyHash,
  isCommitFrame,
  isMessageFrame,
  parseFrame,
} from '../src/wire/index.ts';
import { DenseGroup, systemRandom, valueOf } from './dense-group.ts';
import { naiveVerify } from './naive-verify.ts';
import { sealingTasks } from './proof-tasks.ts';
import type { Cost } from './unit.ts';
import { costOf } from './unit.ts';

export interface CommitCosts {
  readonly members: number;
  readonly bytes: number;
  /** Building: plan, secrets, sealing, proof, signatures. */
  readonly prove: Cost;
  /** Everything the server does with it: parsing, eligibility, rules, plan, tree hash, proofs. */
  readonly verify: Cost;
  /** Everything a member does of its own but the sealing proof, which by default a worker verifies meanwhile. */
  readonly apply: Cost;
  readonly applyWithProof: Cost;
}

const deps = (suite: Suite) => ({ suite, random: systemRandom });

export function commitCosts(suite: Suite, members: number, samples: number): CommitCosts {
  const dense = new DenseGroup(suite, members);
  const committer = 3 % members;
  const receiver = (committer + (members >> 1)) % members;
  const group = dense.publicGroup();
  const prove = costOf(
    samples,
    () => undefined,
    () => dense.commit(group, committer),
  );
  const { bytes } = dense.commit(group, committer);
  const verify = costOf(
    samples,
    () => undefined,
    () => verifyOne(suite, group, bytes),
  );
  const person = dense.person('receiver');
  const apply = (sealingProof: boolean): Cost =>
    costOf(
      samples,
      () => dense.memberState(dense.publicGroup(), receiver),
      (state) => {
        valueOf(runInPlace(person, processCommit(person, state, commitOf(bytes), { sealingProof })));
      },
    );
  return { members, bytes: bytes.length, prove, verify, apply: apply(false), applyWithProof: apply(true) };
}

/** Commits of so many groups verified together: what each of them costs. */
export function batchCost(suite: Suite, members: number, batch: number, samples: number): Cost {
  const frames = Array.from({ length: batch }, () => {
    const dense = new DenseGroup(suite, members);
    const group = dense.publicGroup();
    return { group, bytes: dense.commit(group, 3).bytes };
  });
  return costOf(
    samples,
    () => undefined,
    () => {
      const claims = frames.map(({ group, bytes }) => claimsOf(group, commitOf(bytes)));
      if (verifyClaims(deps(suite), claims).some((broken) => broken !== undefined))
        throw new Error('a good commit was refused');
    },
    batch,
  );
}

/** Proofs of messages of one epoch, verified together: what each of them costs, hashing its transcript included. */
export function messageCost(suite: Suite, batch: number, samples: number): Cost {
  const dense = new DenseGroup(suite, 2);
  const group = dense.publicGroup();
  const frames = Array.from({ length: batch }, () => messageOf(dense, group));
  return costOf(
    samples,
    () => undefined,
    () => {
      const claims = frames.map((frame) => [valueOf(eligibilityClaim(group, leafFrom(group, frame), frame))]);
      if (verifyClaims(deps(suite), claims).some((broken) => broken !== undefined))
        throw new Error('a good message was refused');
    },
    batch,
  );
}

/** Verifying the sealing proof of a dense commit of 1,024 members by each way there is. */
export function engineCosts(kernel: Suite) {
  const shape = { nodes: 10, recipientsPerNode: 2 };
  const nothing = (): undefined => undefined;
  const ours = sealingTasks(kernel, shape);
  return {
    kernel: costOf(21, nothing, ours.verify),
    /** The same code on the reference engine. */
    reference: costOf(5, nothing, sealingTasks(createSuite(), shape).verify),
    /** Each term of each equation by itself, on `@noble/curves`. */
    naive: costOf(1, nothing, () => {
      if (!naiveVerify(kernel, ours.claim)) throw new Error('an honest proof was refused');
    }),
  };
}

/** A commit that adds so many leaves, in a dense group. */
export function joinCosts(suite: Suite, members: number, added: number, samples: number) {
  const dense = new DenseGroup(suite, members);
  const group = dense.publicGroup();
  const operations = Array.from({ length: added }, () => ({
    kind: 'add' as const,
    role: 'member' as const,
    expiresAtMs: group.lastNowMs + 1_000_000,
    device: false,
  }));
  return costsOf(suite, group, () => dense.commit(group, 0, operations), samples);
}

/** A commit of a group out of which every fourth member, here and there, was removed by others at once. */
export function afterRemovalCosts(suite: Suite, members: number, samples: number) {
  const dense = new DenseGroup(suite, members, (leaf) => leaf % 4 === 1);
  const group = dense.publicGroup();
  return costsOf(suite, group, () => dense.commit(group, 0), samples);
}

function costsOf(suite: Suite, group: PublicGroup, build: () => { bytes: Uint8Array }, samples: number) {
  const prove = costOf(samples, () => undefined, build);
  const { bytes } = build();
  const verify = costOf(
    samples,
    () => undefined,
    () => verifyOne(suite, group, bytes),
  );
  return { bytes: bytes.length, prove, verify };
}

function claimsOf(group: PublicGroup, frame: CommitFrame): Claim[] {
  const eligible = valueOf(eligibilityClaim(group, leafFrom(group, frame), frame));
  return [eligible, ...valueOf(verifyCommit(group, frame, serverVerification)).claims];
}

function verifyOne(suite: Suite, group: PublicGroup, bytes: Uint8Array): void {
  const broken = verifyClaimsOfOne(deps(suite), claimsOf(group, commitOf(bytes)));
  if (broken !== undefined) throw new Error(broken.rule);
}

function commitOf(bytes: Uint8Array): CommitFrame {
  const frame = valueOf(parseFrame(bytes));
  if (!isCommitFrame(frame)) throw new Error('not a commit');
  return frame;
}

/** Its ciphertext is random: nobody here reads it. */
function messageOf(dense: DenseGroup, group: PublicGroup): MessageFrame {
  const { origin, groupId, epoch, lastNowMs } = group;
  const header = { origin, groupId, epoch, nonce: systemRandom.bytes(16), nowMs: lastNowMs };
  const content = {
    kind: 'message' as const,
    header: systemRandom.bytes(8),
    ciphertext: systemRandom.bytes(288),
  };
  const body = encodeBody(header, content);
  const bodyHash = frameBodyHash(body);
  const signature = sign(dense.suite, {
    purpose: 'message',
    secret: dense.headSecret,
    publicKey: publicKeyOf(dense.suite, dense.headSecret),
    context: messageContext(header, bodyHash),
    hedge: { secret: dense.headSecret, random: systemRandom, context: bodyHash },
  });
  const frame = valueOf(parseFrame(encodeFrame(body, encodeMessageTrailer({ proof: 'epoch', signature }))));
  if (!isMessageFrame(frame)) throw new Error('not a message');
  valueOf(checkEligibility(deps(dense.suite), group, frame));
  return frame;
}
