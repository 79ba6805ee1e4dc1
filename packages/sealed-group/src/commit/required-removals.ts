/**
 * Removals that the server demands of the next commit (§5): outstanding leaves, and pending leaves whose time is over.
 * Without this rule members could ignore those who leave; a leaver would stay able to read what it no longer wants to.
 */
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import type { CommitPlan, LeafIndex, RoleOrRemoval } from '../tree/index.ts';
import { requiredRemovals } from '../tree/index.ts';
import type { PublicGroup } from './public-group.ts';

/**
 * What a commit made by `committer` with time `nowMs` has to remove, ascending; the committer itself is exempt, and so is
 * an owner whom the commit's own `operations` would leave the last one.
 */
export function removalsDue(
  group: PublicGroup,
  committer: number,
  nowMs: number,
  operations: readonly RoleOrRemoval[] = [],
): LeafIndex[] {
  const leaves = group.outstandingLeaves.map(({ leaf, leafEpoch }) => ({ leaf, epoch: leafEpoch }));
  return requiredRemovals(group.tree, { leaves, nowMs, committer, operations });
}

export function checkRequiredRemovals(
  group: PublicGroup,
  plan: CommitPlan,
  commit: { readonly nowMs: number; readonly operations: readonly RoleOrRemoval[] },
): Result<void> {
  if (plan.joined !== undefined) return accept(undefined);
  const removed = new Set(plan.removed);
  const due = removalsDue(group, plan.committer, commit.nowMs, commit.operations);
  const missing = due.find((leaf) => !removed.has(leaf));
  return missing === undefined ? accept(undefined) : violation('commit/required-removals', `leaf ${missing}`);
}
