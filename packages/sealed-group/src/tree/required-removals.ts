/**
 * Which leaves a next commit must remove: those that signed a leave and those whose time ran out while pending. The
 * delivery service demands them, members include them; a first commit is exempt there.
 */
import { lowerDevices } from './cascade.ts';
import type { PublicTree } from './public-tree.ts';
import type { Role } from './roles.ts';
import type { LeafIndex } from './tree-math.ts';
import { toLeafIndex } from './tree-math.ts';
import type { Instance } from './tree-node.ts';
import { isPending } from './tree-node.ts';

/** At most so many removals are demanded of one commit: the first by index. */
export const maxRequiredRemovals = 64;

/** What the commit itself does, as far as it matters here; as the frame or the member that prepares it says. */
export type RoleOrRemoval =
  | { readonly kind: 'set-role'; readonly leaf: number; readonly role: Role }
  | { readonly kind: 'remove'; readonly leaf: number }
  | { readonly kind: 'add' | 'set-mode' };

/**
 * Ascending, without the committer, who cannot remove itself. Leaves of instances that are gone are ignored, and so is the
 * leave of whoever would be the last joined owner after the commit: no commit could do both, so demanding it would refuse
 * operations that are legal, or stop the group.
 */
export function requiredRemovals(
  tree: PublicTree,
  input: {
    readonly leaves: Iterable<Instance>;
    readonly nowMs: number;
    readonly committer: number;
    readonly operations: readonly RoleOrRemoval[];
  },
): LeafIndex[] {
  // One more than are demanded, in case the committer is among them.
  const due = new Set<number>(tree.expiredLeaves(input.nowMs, maxRequiredRemovals + 1));
  for (const { leaf, epoch } of input.leaves) if (tree.leaf(leaf)?.epoch === epoch) due.add(leaf);
  due.delete(input.committer);
  const owners = ownersAfter(tree, input.operations);
  const required: LeafIndex[] = [];
  for (const index of [...due].sort((a, b) => a - b)) {
    if (required.length === maxRequiredRemovals) break;
    const leaf = index as LeafIndex;
    if (owners.isOwner(leaf)) {
      if (owners.count === 1) continue;
      owners.count -= 1;
    }
    required.push(leaf);
  }
  return required;
}

/** The joined owners that the operations leave. */
function ownersAfter(
  tree: PublicTree,
  operations: readonly RoleOrRemoval[],
): { count: number; isOwner(leaf: LeafIndex): boolean } {
  const roleByLeaf = new Map<LeafIndex, Role>();
  const removed = new Set<LeafIndex>();
  for (const operation of operations) {
    if (operation.kind !== 'set-role' && operation.kind !== 'remove') continue;
    // A plan will refuse what names no leaf; here it counts for nothing.
    const leaf = toLeafIndex(operation.leaf, tree.leafCount);
    if (leaf === undefined || tree.leaf(leaf) === undefined) continue;
    if (operation.kind === 'remove') removed.add(leaf);
    else roleByLeaf.set(leaf, operation.role);
  }
  for (const [device, role] of lowerDevices(tree, roleByLeaf)) roleByLeaf.set(device, role);
  const wasOwner = (leaf: LeafIndex): boolean => {
    const node = tree.leaf(leaf);
    return node?.role === 'owner' && !isPending(node);
  };
  const isOwner = (leaf: LeafIndex): boolean =>
    !removed.has(leaf) && (roleByLeaf.has(leaf) ? roleByLeaf.get(leaf) === 'owner' : wasOwner(leaf));
  let count = tree.roleCounts().joined.owner;
  for (const leaf of new Set([...roleByLeaf.keys(), ...removed])) {
    count += Number(isOwner(leaf)) - Number(wasOwner(leaf));
  }
  return { count, isOwner };
}
