/**
 * Who may speak to a group at all (§5): commits and leaves are signed by the current key of their leaf, messages carry a
 * proof by an epoch key since the last removal, or in leaf-proof form by the current key of the writing leaf. Until that
 * is verified every failure is the same rule with no detail, whatever was wrong: wrong group, no such leaf, malformed or
 * false signature [F14]. Only afterwards may the server say "wrong epoch" or name a rule.
 */
import type { Result, Violation } from '../result.ts';
import { accept, violation } from '../result.ts';
import type { PublicKey, SignaturePurpose } from '../signature/index.ts';
import type { Suite } from '../suite.ts';
import { toLeafIndex } from '../tree/index.ts';
import type { LeafNode } from '../tree/index.ts';
import type { CommitFrame, LeaveFrame, MessageFrame } from '../wire/index.ts';
import { isCommitFrame, isLeaveFrame, trailerContext, unsignedPart } from '../wire/index.ts';
import { equalBytes } from '@noble/ciphers/utils.js';
import { leafMessageContext, leaveContext, messageContext, trailerSignatureContext } from './context.ts';
import type { Claim, VerificationDeps } from './claims.ts';
import { signatureClaim, verifyClaimsOfOne } from './claims.ts';
import type { PublicGroup } from './public-group.ts';

const notEligible: Violation = violation('commit/eligible');

/** The claim that makes the frame's sender eligible. Cheap: no group operation beyond decoding three points. */
export function eligibilityClaim(
  suite: Suite,
  group: PublicGroup,
  frame: CommitFrame | LeaveFrame | MessageFrame,
): Result<Claim> {
  if (frame.header.origin !== group.origin || !equalBytes(frame.header.groupId, group.groupId))
    return notEligible;
  if (isCommitFrame(frame)) return commitClaim(suite, group, frame);
  return isLeaveFrame(frame) ? leaveClaim(suite, group, frame) : messageClaim(suite, group, frame);
}

/** Verifies the eligibility of one frame. A server with many waiting collects `eligibilityClaim`s into `verifyClaims`. */
export function checkEligibility(
  deps: VerificationDeps,
  group: PublicGroup,
  frame: CommitFrame | LeaveFrame | MessageFrame,
): Result<void> {
  const claim = eligibilityClaim(deps.suite, group, frame);
  if (!claim.ok) return claim;
  return verifyClaimsOfOne(deps, [claim.value]) ?? accept(undefined);
}

function commitClaim(suite: Suite, group: PublicGroup, frame: CommitFrame): Result<Claim> {
  const leaf = leafOf(group, frame.content.committer);
  if (leaf === undefined) return notEligible;
  const rest = unsignedPart(frame.trailer, 2);
  const context = trailerSignatureContext(frame.header, trailerContext(frame.bodyHash, rest));
  return claimOf(suite, 'commit-old', leaf.publicKey, context, frame.trail.oldSignature);
}

function leaveClaim(suite: Suite, group: PublicGroup, frame: LeaveFrame): Result<Claim> {
  const { leaf, leafEpoch } = frame.content;
  const node = leafOf(group, leaf);
  if (node === undefined || node.epoch !== leafEpoch) return notEligible;
  const context = leaveContext(group, leaf, leafEpoch);
  return claimOf(suite, 'leave', node.publicKey, context, frame.trail.signature);
}

function messageClaim(suite: Suite, group: PublicGroup, frame: MessageFrame): Result<Claim> {
  const { trail, header, bodyHash } = frame;
  if (trail.proof === 'leaf') {
    const leaf = leafOf(group, trail.leaf);
    if (leaf === undefined) return notEligible;
    const context = leafMessageContext(header, bodyHash, trail.leaf);
    return claimOf(suite, 'leaf-message', leaf.publicKey, context, trail.signature);
  }
  const key = group.epochKeys.find(({ epoch }) => epoch === header.epoch);
  if (key === undefined) return notEligible;
  return claimOf(suite, 'message', key.publicKey, messageContext(header, bodyHash), trail.signature);
}

function leafOf(group: PublicGroup, index: number): LeafNode | undefined {
  const leaf = toLeafIndex(index, group.tree.leafCount);
  return leaf === undefined ? undefined : group.tree.leaf(leaf);
}

function claimOf(
  suite: Suite,
  purpose: SignaturePurpose,
  publicKey: PublicKey,
  context: Uint8Array,
  signature: Uint8Array,
): Result<Claim> {
  const claim = signatureClaim(suite, 'commit/eligible', { purpose, publicKey, context, signature });
  return claim === undefined ? notEligible : accept(claim);
}
