/**
 * Removals that the server demands of the next commit (§5): outstanding leaves, and pending leaves whose time is over.
 * Without this rule members could ignore those who leave; a leaver would stay able to read what it no longer wants to.
 */
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import type { CommitPlan, LeafIndex } from '../tree/index.ts';
import { toLeafIndex } from '../tree/index.ts';
import type { PublicGroup } from './public-group.ts';

/** More would make a commit after a long silence too large; the rest follows with the next one. */
export const maxRequiredRemovals = 64;

/** What a commit made by `committer` with time `nowMs` has to remove, ascending; the committer itself is exempt. */
export function requiredRemovals(group: PublicGroup, committer: number, nowMs: number): LeafIndex[] {
  const leaving = group.outstandingLeaves.flatMap(
    ({ leaf }) => toLeafIndex(leaf, group.tree.leafCount) ?? [],
  );
  const required = new Set([...leaving, ...group.tree.expiredLeaves(nowMs, maxRequiredRemovals + 1)]);
  return [...required]
    .filter((leaf) => leaf !== committer)
    .sort((a, b) => a - b)
    .slice(0, maxRequiredRemovals);
}

export function checkRequiredRemovals(group: PublicGroup, plan: CommitPlan, nowMs: number): Result<void> {
  if (plan.joined !== undefined) return accept(undefined);
  const removed = new Set(plan.removed);
  const missing = requiredRemovals(group, plan.committer, nowMs).find((leaf) => !removed.has(leaf));
  return missing === undefined ? accept(undefined) : violation('commit/required-removals', `leaf ${missing}`);
}
