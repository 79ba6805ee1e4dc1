/**
 * Verifies a commit (§5): the same function for the delivery service and for every client, so that the server and one
 * member together cannot get past a rule [F2].
 *
 *   epoch, time ─▶ plan: roles, operations, fills ─▶ required removals (server) ─▶ exactly the expected nodes and recipients
 *     ─▶ tree hash ─▶ claims: keys are points, signatures, possessions, leaves, sealing proof
 *
 * The frame's claims are returned, not verified, so that those of many frames can be verified together (`claims.ts`).
 * Nothing here changes the group; `advanceGroup` does, once the claims hold.
 */
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import type { RuleId } from '../rules/index.ts';
import type { PublicKey, SignaturePurpose } from '../signature/index.ts';
import { claimedPublicKey } from '../signature/index.ts';
import type { CommitPlan, NodeIndex, PlannedSeal, TreeReader } from '../tree/index.ts';
import { leafNode, planCommit } from '../tree/index.ts';
import type { CommitFrame } from '../wire/index.ts';
import { confirmedTranscriptHash, trailerContext, transcriptHash, unsignedPart } from '../wire/index.ts';
import type { Claim, SealingProofClaim } from './claims.ts';
import { encodeContext, leaveContext, possessionContext, trailerSignatureContext } from './context.ts';
import type { CommitEffect, Pending } from './effects.ts';
import { eligibilityClaim, leafFrom } from './eligibility.ts';
import { checkCommitEpoch } from './freshness.ts';
import { parseOperations } from './parse-operations.ts';
import type { EpochKey, PublicGroup } from './public-group.ts';
import { maxEpochKeys } from './public-group.ts';
import { checkRequiredRemovals } from './required-removals.ts';

export interface VerifyCommitOptions {
  /** The server's demand; a client that checked it would reject what a lenient server let through. */
  readonly requireRemovals: boolean;
  /** `checkEligibility` succeeded for this frame and group: its claim is left out. */
  readonly eligibilityVerified: boolean;
  /** Servers always true. A client may leave the sealing proof to a worker, or to the server. */
  readonly sealingProof: boolean;
}

/** Everything the server checks, after `checkEligibility` and `checkEpoch`. */
export const serverVerification: VerifyCommitOptions = {
  requireRemovals: true,
  eligibilityVerified: true,
  sealingProof: true,
};

/** Everything a client checks. */
export const clientVerification: VerifyCommitOptions = {
  requireRemovals: false,
  eligibilityVerified: false,
  sealingProof: true,
};

export function verifyCommit(
  group: PublicGroup,
  frame: CommitFrame,
  options: VerifyCommitOptions,
): Result<Pending<CommitEffect>> {
  const steps = verifyCommitInSteps(group, frame, options);
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/**
 * The same, for whoever has other things to do meanwhile: a commit of thousands of operations takes some milliseconds from
 * one pause to the next. The group must not change until the end.
 */
export function* verifyCommitInSteps(
  group: PublicGroup,
  frame: CommitFrame,
  options: VerifyCommitOptions,
): Generator<undefined, Result<Pending<CommitEffect>>, undefined> {
  const claims: Claim[] = [];
  if (!options.eligibilityVerified) {
    const eligible = eligibilityClaim(group, leafFrom(group, frame), frame);
    if (!eligible.ok) return eligible;
    claims.push(eligible.value);
  }
  const fresh = checkCommitEpoch(group, frame);
  if (!fresh.ok) return fresh;
  const plan = planOf(group, frame);
  if (!plan.ok) return plan;
  yield;
  if (options.requireRemovals) {
    const { nowMs } = frame.header;
    const { operations } = frame.content;
    const removals = checkRequiredRemovals(group, plan.value, { nowMs, operations });
    if (!removals.ok) return removals;
  }
  const placed = placeKeys(plan.value, frame);
  if (!placed.ok) return placed;
  yield;
  claims.push(keysClaim(frame), ...signatureClaims(group, frame, plan.value));
  if (options.sealingProof) claims.push(sealingClaim(frame, plan.value.seals, plan.value.draft));
  yield;
  // The draft keeps it.
  plan.value.draft.treeHash();
  yield;
  return accept({ claims, effect: effectOf(group, frame, plan.value) });
}

/** The plan of a frame's operations against the group's tree. */
function planOf(group: PublicGroup, { content, header }: CommitFrame): Result<CommitPlan> {
  const operations = parseOperations(content.operations);
  if (!operations.ok) return operations;
  return planCommit(group.tree, {
    committer: content.committer,
    operations: operations.value,
    fills: content.fills,
    newEpoch: group.epoch + 1,
    nowMs: header.nowMs,
    mode: group.mode,
  });
}

/** Compares what was sealed with what had to be, and puts the new keys, which are claimed to be points, into the draft. */
function placeKeys({ draft, committer, seals }: CommitPlan, { content }: CommitFrame): Result<void> {
  const shape = checkSeals(content.sealed, seals);
  if (!shape.ok) return shape;
  const keys = [{ node: leafNode(committer), key: content.leafKey }, ...content.sealed];
  for (const { node, key } of keys) {
    const claimed = claimedPublicKey(key);
    if (claimed === undefined) return violation('commit/key', `node ${node}`);
    const set = draft.setKey(node as NodeIndex, claimed);
    if (!set.ok) return set;
  }
  return accept(undefined);
}

function keysClaim({ content }: CommitFrame): Claim {
  const added = content.operations.flatMap((operation) =>
    operation.kind === 'add' ? [operation.leafKey] : [],
  );
  return {
    kind: 'keys',
    rule: 'commit/key',
    keys: [content.leafKey, ...content.sealed.map(({ key }) => key), ...added],
  };
}

/** Exactly the expected nodes, each with one row of handles per expected recipient. */
export function checkSeals(
  sealed: CommitFrame['content']['sealed'],
  seals: readonly PlannedSeal[],
): Result<void> {
  if (sealed.length !== seals.length || sealed.some(({ node }, index) => node !== seals[index]!.node)) {
    return violation('commit/nodes', `sealed ${sealed.length}, expected ${seals.length}`);
  }
  for (const [index, { handles, node }] of sealed.entries()) {
    const expected = seals[index]!.recipients.length;
    if (handles.length !== expected) {
      return violation('commit/recipients', `node ${node}: ${handles.length}, expected ${expected}`);
    }
  }
  return accept(undefined);
}

function signatureClaims(group: PublicGroup, frame: CommitFrame, plan: CommitPlan): Claim[] {
  const { header, trail, bodyHash, content } = frame;
  const claim = (
    rule: RuleId,
    purpose: SignaturePurpose,
    publicKey: Uint8Array,
    context: Uint8Array,
    signature: Uint8Array,
  ): Claim => ({ kind: 'signature', rule, purpose, publicKey, context, signature });
  const signed = trailerSignatureContext(header, trailerContext(bodyHash, unsignedPart(frame.trailer, 2)));
  return [
    claim('commit/new-signature', 'commit-new', content.leafKey, signed, trail.newSignature),
    ...plan.added.map(({ leaf, operation }, index) => {
      const { publicKey } = plan.draft.leaf(leaf)!;
      const context = possessionContext(header, bodyHash, operation);
      return claim('commit/possession', 'possession', publicKey, context, trail.possessions[index]!);
    }),
    ...plan.leavesToVerify.map(({ leaf, instance, publicKey, signature }) => {
      const context = leaveContext(group, leaf, instance.epoch);
      return claim('commit/leave-signature', 'leave', publicKey, context, signature);
    }),
  ];
}

/** The claim of the sealing proof, for nodes and keys that were compared with the frame: `tree` is that after the commit. */
export function sealingClaim(
  frame: CommitFrame,
  seals: readonly PlannedSeal[],
  tree: TreeReader,
): SealingProofClaim {
  const keyOf = (node: NodeIndex): PublicKey => tree.node(node)!.publicKey;
  return {
    kind: 'sealing',
    context: encodeContext(frame.header),
    bodyHash: frame.bodyHash,
    sealed: frame.content.sealed.map(({ commitments, handles }, index) => ({
      publicKey: keyOf(seals[index]!.node),
      commitments,
      handles,
    })),
    recipients: seals.map(({ recipients }) => recipients.map(keyOf)),
    proof: frame.trail.sealingProof,
  };
}

function effectOf(group: PublicGroup, frame: CommitFrame, plan: CommitPlan): CommitEffect {
  const { draft, committer, removed } = plan;
  const epoch = group.epoch + 1;
  const lastRemovalEpoch = plan.locksOutEarlierTokens ? epoch : group.lastRemovalEpoch;
  const epochKey: EpochKey = { epoch, publicKey: draft.node(plan.head)!.publicKey };
  const confirmedTranscript = confirmedTranscriptHash(group.transcript, frame.bodyHash);
  const gone = new Set<number>([...removed, committer]);
  return {
    bodyHash: frame.bodyHash,
    epoch,
    mode: plan.newMode,
    treeHash: draft.treeHash(),
    confirmedTranscript,
    transcript: transcriptHash(confirmedTranscript, frame.trailer),
    nowMs: frame.header.nowMs,
    plan,
    changes: draft.changes(),
    sealed: frame.content.sealed,
    epochKeys: [...group.epochKeys.filter(({ epoch }) => epoch >= lastRemovalEpoch), epochKey].slice(
      -maxEpochKeys,
    ),
    lastRemovalEpoch,
    allowsGrace: plan.allowsGrace,
    locksOutEarlierTokens: plan.locksOutEarlierTokens,
    // A leave ends with its instance, and with the next commit of its leaf, which changes the key that signed it.
    outstandingLeaves: group.outstandingLeaves.filter(({ leaf }) => !gone.has(leaf)),
  };
}
