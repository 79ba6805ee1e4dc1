/**
 * Verifies a commit (§5): the same function for the delivery service and for every client, so that the server and one
 * member together cannot get past a rule [F2].
 *
 *   epoch, time ─▶ keys are points ─▶ plan: roles, operations, fills ─▶ required removals (server)
 *     ─▶ exactly the expected nodes and recipients ─▶ tree hash ─▶ claims: signatures, possessions, leaves, sealing proof
 *
 * The frame's claims are returned, not verified, so that those of many frames can be verified together (`claims.ts`).
 * Nothing here changes the group; `advanceGroup` does, once the claims hold.
 */
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import type { RuleId } from '../rules/index.ts';
import type { SealingEquationName } from '../sealing/index.ts';
import { sealingEquations } from '../sealing/index.ts';
import type { PublicKey } from '../signature/index.ts';
import { parsePublicKey } from '../signature/index.ts';
import type { Suite } from '../suite.ts';
import type { CommitPlan, NodeIndex, PlannedSeal, TreeReader } from '../tree/index.ts';
import { leafNode, planCommit } from '../tree/index.ts';
import type { CommitFrame } from '../wire/index.ts';
import { confirmedTranscriptHash, trailerContext, transcriptHash, unsignedPart } from '../wire/index.ts';
import type { Claim } from './claims.ts';
import { signatureClaim } from './claims.ts';
import { encodeContext, leaveContext, possessionContext, trailerSignatureContext } from './context.ts';
import type { CommitEffect, Pending } from './effects.ts';
import { eligibilityClaim } from './eligibility.ts';
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
  suite: Suite,
  group: PublicGroup,
  frame: CommitFrame,
  options: VerifyCommitOptions,
): Result<Pending<CommitEffect>> {
  const claims: Claim[] = [];
  if (!options.eligibilityVerified) {
    const eligible = eligibilityClaim(suite, group, frame);
    if (!eligible.ok) return eligible;
    claims.push(eligible.value);
  }
  const fresh = checkCommitEpoch(group, frame);
  if (!fresh.ok) return fresh;
  const plan = planOf(suite, group, frame);
  if (!plan.ok) return plan;
  if (options.requireRemovals) {
    const { nowMs } = frame.header;
    const { operations } = frame.content;
    const removals = checkRequiredRemovals(group, plan.value, { nowMs, operations });
    if (!removals.ok) return removals;
  }
  const leafKey = placeKeys(suite, plan.value, frame);
  if (!leafKey.ok) return leafKey;
  const signatures = signatureClaims(suite, group, frame, plan.value, leafKey.value);
  if (!signatures.ok) return signatures;
  claims.push(...signatures.value);
  if (options.sealingProof) {
    const sealing = sealingClaims(suite, frame, plan.value.seals, plan.value.draft);
    if (!sealing.ok) return sealing;
    claims.push(...sealing.value);
  }
  return accept({ claims, effect: effectOf(group, frame, plan.value) });
}

/** The plan of a frame's operations against the group's tree. */
function planOf(suite: Suite, group: PublicGroup, frame: CommitFrame): Result<CommitPlan> {
  const { content, header } = frame;
  const operations = parseOperations(suite, content.operations);
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

/** Compares what was sealed with what had to be, puts the new keys into the draft, and returns the leaf's. */
function placeKeys(suite: Suite, plan: CommitPlan, frame: CommitFrame): Result<PublicKey> {
  const { draft, committer } = plan;
  const shape = checkSeals(frame, plan.seals);
  if (!shape.ok) return shape;
  const leafKey = parsePublicKey(suite, frame.content.leafKey);
  if (leafKey === undefined) return violation('commit/key', 'leaf');
  const placed = draft.setKey(leafNode(committer), leafKey);
  if (!placed.ok) return placed;
  for (const { node, key } of frame.content.sealed) {
    const nodeKey = parsePublicKey(suite, key);
    if (nodeKey === undefined) return violation('commit/key', `node ${node}`);
    const set = draft.setKey(node as NodeIndex, nodeKey);
    if (!set.ok) return set;
  }
  return accept(leafKey);
}

/** Exactly the expected nodes, each with one row of handles per expected recipient. */
export function checkSeals(frame: CommitFrame, seals: readonly PlannedSeal[]): Result<void> {
  const { sealed } = frame.content;
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

function signatureClaims(
  suite: Suite,
  group: PublicGroup,
  frame: CommitFrame,
  plan: CommitPlan,
  leafKey: PublicKey,
): Result<Claim[]> {
  const { header, trail, bodyHash } = frame;
  const claims: Claim[] = [];
  const claim = (rule: RuleId, input: Parameters<typeof signatureClaim>[2]): boolean => {
    const made = signatureClaim(suite, rule, input);
    if (made !== undefined) claims.push(made);
    return made !== undefined;
  };
  const signed = trailerContext(bodyHash, unsignedPart(frame.trailer, 2));
  const byNewKey = claim('commit/new-signature', {
    purpose: 'commit-new',
    publicKey: leafKey,
    context: trailerSignatureContext(header, signed),
    signature: trail.newSignature,
  });
  if (!byNewKey) return violation('commit/new-signature');
  for (const [index, { leaf, operation }] of plan.added.entries()) {
    const possessed = claim('commit/possession', {
      purpose: 'possession',
      publicKey: plan.draft.leaf(leaf)!.publicKey,
      context: possessionContext(header, bodyHash, operation),
      signature: trail.possessions[index]!,
    });
    if (!possessed) return violation('commit/possession', `operation ${operation}`);
  }
  for (const { leaf, instance, publicKey, signature } of plan.leavesToVerify) {
    const context = leaveContext(group, leaf, instance.epoch);
    if (!claim('commit/leave-signature', { purpose: 'leave', publicKey, context, signature })) {
      return violation('commit/leave-signature', `leaf ${leaf}`);
    }
  }
  return accept(claims);
}

const ruleBySealingEquation: Readonly<Record<SealingEquationName, RuleId>> = {
  'key-opening': 'sealing/key-consistency',
  'key-secret': 'sealing/key-consistency',
  'handle-opening': 'sealing/handle-consistency',
  'handle-recipient': 'sealing/handle-consistency',
  shortness: 'sealing/shortness',
};

/** The claims of the sealing proof, for nodes and keys that were compared with the frame: `tree` is that after the commit. */
export function sealingClaims(
  suite: Suite,
  frame: CommitFrame,
  seals: readonly PlannedSeal[],
  tree: TreeReader,
): Result<Claim[]> {
  const keyOf = (node: NodeIndex): PublicKey => tree.node(node)!.publicKey;
  const equations = sealingEquations(suite, {
    context: encodeContext(frame.header),
    bodyHash: frame.bodyHash,
    sealed: frame.content.sealed.map(({ commitments, handles }, index) => ({
      publicKey: keyOf(seals[index]!.node),
      commitments,
      handles,
    })),
    recipients: seals.map(({ recipients }) => recipients.map(keyOf)),
    proof: frame.trail.sealingProof,
  });
  if (!equations.ok) return equations;
  return accept(
    equations.value.map((equation) => ({
      rule: ruleBySealingEquation[equation.name],
      equations: [equation],
    })),
  );
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
