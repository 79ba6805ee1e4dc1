/** What a leave means, once its signature made it eligible (§5): a joined leaf asks to be removed by whoever commits next. */
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import { isPending, toLeafIndex } from '../tree/index.ts';
import type { LeaveFrame } from '../wire/index.ts';
import type { LeaveEffect } from './effects.ts';
import type { PublicGroup } from './public-group.ts';

/** The signature was verified by `checkEligibility`: instance and key are those of the tree. */
export function verifyLeave(group: PublicGroup, frame: LeaveFrame): Result<LeaveEffect> {
  const { leaf: index, leafEpoch } = frame.content;
  const leaf = toLeafIndex(index, group.tree.leafCount);
  const node = leaf === undefined ? undefined : group.tree.leaf(leaf);
  if (leaf === undefined || node === undefined) return violation('commit/eligible');
  if (isPending(node)) return violation('commit/leave-joined');
  const leaving = group.outstandingLeaves;
  const repeated = leaving.some(({ leaf, leafEpoch: epoch }) => leaf === index && epoch === leafEpoch);
  if (
    !repeated &&
    node.role === 'owner' &&
    ownersLeaving(group) + 1 >= group.tree.roleCounts().joined.owner
  ) {
    return violation('commit/leave-last-owner');
  }
  return accept({ leave: { leaf, leafEpoch, signature: frame.trail.signature }, repeated });
}

/** If every owner left, no commit could carry the leaves out, and none could be accepted without: the last one hands over first. */
function ownersLeaving(group: PublicGroup): number {
  return group.outstandingLeaves.filter(({ leaf }) => group.tree.leaf(leaf)?.role === 'owner').length;
}
