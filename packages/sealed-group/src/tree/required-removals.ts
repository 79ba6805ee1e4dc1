/**
 * Which leaves a next commit must remove: those that signed a leave and those whose time ran out while pending. The
 * delivery service demands them, members include them; the committer's own leave and a first commit are exempt there.
 */
import type { PublicTree } from './public-tree.ts';
import type { LeafIndex } from './tree-math.ts';
import type { Instance } from './tree-node.ts';
import { isPending } from './tree-node.ts';

/** At most so many removals are demanded of one commit: the first by index. */
export const maxRequiredRemovals = 64;

/**
 * Ascending. Leaves of instances that are gone are ignored, and so is the leave of whoever would be the last joined owner:
 * no commit could carry it out, so demanding it would stop the group.
 */
export function requiredRemovals(
  tree: PublicTree,
  input: { readonly leaves: Iterable<Instance>; readonly nowMs: number },
): LeafIndex[] {
  const due = new Set<LeafIndex>(tree.expiredLeaves(input.nowMs, maxRequiredRemovals));
  for (const { leaf, epoch } of input.leaves) if (tree.leaf(leaf)?.epoch === epoch) due.add(leaf);
  let owners = tree.roleCounts().joined.owner;
  const required: LeafIndex[] = [];
  for (const leaf of [...due].sort((a, b) => a - b)) {
    if (required.length === maxRequiredRemovals) break;
    const node = tree.leaf(leaf)!;
    const isOwner = node.role === 'owner' && !isPending(node);
    if (isOwner && owners === 1) continue;
    if (isOwner) owners -= 1;
    required.push(leaf);
  }
  return required;
}
