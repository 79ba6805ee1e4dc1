/**
 * Who may speak to a group at all (§5): commits and leaves are signed by the current key of their leaf, messages carry a
 * proof by an epoch key since the last removal, or in leaf-proof form by the current key of the writing leaf. Until that
 * is verified every failure is the same rule with no detail, whatever was wrong: wrong group, no such leaf, malformed or
 * false signature [F14]. Only afterwards may the server say "wrong epoch" or name a rule.
 */
import { equalBytes } from '@noble/ciphers/utils.js';
import type { Result, Violation } from '../result.ts';
import { accept, violation } from '../result.ts';
import type { PublicKey, SignaturePurpose } from '../signature/index.ts';
import { toLeafIndex } from '../tree/index.ts';
import type { LeafNode } from '../tree/index.ts';
import type { CommitFrame, LeaveFrame, MessageFrame } from '../wire/index.ts';
import { isCommitFrame, isLeaveFrame, isMessageFrame, trailerContext, unsignedPart } from '../wire/index.ts';
import { leafMessageContext, leaveContext, messageContext, trailerSignatureContext } from './context.ts';
import type { Claim, VerificationDeps } from './claims.ts';
import { verifyClaimsOfOne } from './claims.ts';
import type { GroupHead, PublicGroup } from './public-group.ts';

const notEligible: Violation = violation('commit/eligible');

type GroupFrame = CommitFrame | LeaveFrame | MessageFrame;

/** The index of the leaf that the frame says it is from, as it stands in the frame; undefined for a message that hides it. */
export function leafOfFrame(frame: GroupFrame): number | undefined {
  if (isMessageFrame(frame)) return frame.trail.proof === 'leaf' ? frame.trail.leaf : undefined;
  return isCommitFrame(frame) ? frame.content.committer : frame.content.leaf;
}

/**
 * The claim that makes the frame's sender eligible. `leaf` is what stands in the group's tree at `leafOfFrame(frame)`,
 * undefined if nothing does. Costs nothing but hashing.
 */
export function eligibilityClaim(
  head: GroupHead,
  leaf: LeafNode | undefined,
  frame: GroupFrame,
): Result<Claim> {
  if (frame.header.origin !== head.origin || !equalBytes(frame.header.groupId, head.groupId))
    return notEligible;
  if (isCommitFrame(frame)) return commitClaim(leaf, frame);
  return isLeaveFrame(frame) ? leaveClaim(head, leaf, frame) : messageClaim(head, leaf, frame);
}

/** Verifies the eligibility of one frame. A server with many waiting collects `eligibilityClaim`s into `verifyClaims`. */
export function checkEligibility(
  deps: VerificationDeps,
  group: PublicGroup,
  frame: GroupFrame,
): Result<void> {
  const claim = eligibilityClaim(group, leafFrom(group, frame), frame);
  if (!claim.ok) return claim;
  return verifyClaimsOfOne(deps, [claim.value]) ?? accept(undefined);
}

/** The leaf that the frame says it is from, if it stands in the tree. */
export function leafFrom(group: PublicGroup, frame: GroupFrame): LeafNode | undefined {
  const leaf = toLeafIndex(leafOfFrame(frame) ?? -1, group.tree.leafCount);
  return leaf === undefined ? undefined : group.tree.leaf(leaf);
}

function commitClaim(leaf: LeafNode | undefined, frame: CommitFrame): Result<Claim> {
  if (leaf === undefined) return notEligible;
  const rest = unsignedPart(frame.trailer, 2);
  const context = trailerSignatureContext(frame.header, trailerContext(frame.bodyHash, rest));
  return claimOf('commit-old', leaf.publicKey, context, frame.trail.oldSignature);
}

function leaveClaim(head: GroupHead, leaf: LeafNode | undefined, frame: LeaveFrame): Result<Claim> {
  const { leaf: index, leafEpoch } = frame.content;
  if (leaf === undefined || leaf.epoch !== leafEpoch) return notEligible;
  return claimOf('leave', leaf.publicKey, leaveContext(head, index, leafEpoch), frame.trail.signature);
}

function messageClaim(head: GroupHead, leaf: LeafNode | undefined, frame: MessageFrame): Result<Claim> {
  const { trail, header, bodyHash } = frame;
  if (trail.proof === 'leaf') {
    if (leaf === undefined) return notEligible;
    const context = leafMessageContext(header, bodyHash, trail.leaf);
    return claimOf('leaf-message', leaf.publicKey, context, trail.signature);
  }
  const key = head.epochKeys.find(({ epoch }) => epoch === header.epoch);
  if (key === undefined) return notEligible;
  return claimOf('message', key.publicKey, messageContext(header, bodyHash), trail.signature);
}

function claimOf(
  purpose: SignaturePurpose,
  publicKey: PublicKey,
  context: Uint8Array,
  signature: Uint8Array,
): Result<Claim> {
  return accept({ kind: 'signature', rule: 'commit/eligible', purpose, publicKey, context, signature });
}
