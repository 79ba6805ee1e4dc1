/**
 * Removing or demoting a leaf removes every pending leaf that it added, and every one that those added [F1]: an inviter
 * knows the secrets of its pending leaves, which must not outlive its standing. Called by `planCommit`.
 */
import type { LeafIndex } from './tree-math.ts';
import type { Instance } from './tree-node.ts';
import type { TreeReader } from './tree-reader.ts';

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
