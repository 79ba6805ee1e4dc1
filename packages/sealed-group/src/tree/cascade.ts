/**
 * What follows from operations without being said in the frame. Called by `planCommit`.
 *
 * - Removing or demoting a leaf removes every pending leaf that it added, and every one that those added [F1]: an inviter
 *   knows the secrets of its pending leaves, which must not outlive its standing.
 * - Demoting a leaf demotes its joined device leaves to the same role, or a person would keep the old role on a device.
 */
import type { Role } from './roles.ts';
import { isBelow } from './roles.ts';
import type { LeafIndex } from './tree-math.ts';
import type { Instance } from './tree-node.ts';
import { isPending } from './tree-node.ts';
import type { TreeReader } from './tree-reader.ts';

/**
 * Joined device leaves that would stand above the leaf which added them, with that leaf's role: they go down with it.
 * `roleByLeaf` is what the commit sets; who stands there himself keeps what he is given. Devices add nobody, so one step
 * is all.
 */
export function lowerDevices(
  tree: TreeReader,
  roleByLeaf: ReadonlyMap<LeafIndex, Role>,
): Map<LeafIndex, Role> {
  const lowered = new Map<LeafIndex, Role>();
  for (const [adder, role] of roleByLeaf) {
    const node = tree.leaf(adder);
    if (node === undefined) continue;
    for (const device of tree.deviceLeavesAddedBy({ leaf: adder, epoch: node.epoch })) {
      const leaf = tree.leaf(device)!;
      if (!isPending(leaf) && !roleByLeaf.has(device) && isBelow(role, leaf.role)) lowered.set(device, role);
    }
  }
  return lowered;
}

/** The pending leaves that go with these leaves; `origins` themselves are not in the answer unless another one added them. */
export function cascade(tree: TreeReader, origins: Iterable<LeafIndex>): Set<LeafIndex> {
  const removed = new Set<LeafIndex>();
  const open: Instance[] = [];
  const visit = (leaf: LeafIndex): void => {
    const node = tree.leaf(leaf);
    if (node !== undefined) open.push({ leaf, epoch: node.epoch });
  };
  for (const leaf of origins) visit(leaf);
  for (let adder = open.pop(); adder !== undefined; adder = open.pop()) {
    for (const leaf of tree.pendingLeavesAddedBy(adder)) {
      if (removed.has(leaf)) continue;
      removed.add(leaf);
      visit(leaf);
    }
  }
  return removed;
}
