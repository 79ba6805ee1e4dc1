/**
 * The invariants that every public tree keeps and that a tree from outside must be shown to have. `planCommit` preserves
 * them: a key goes to a node only together with all non-blank nodes above it, and removals blank upwards.
 */
import type { Violation } from '../result.ts';
import { violation } from '../result.ts';
import type { PublicTree } from './public-tree.ts';
import type { LeafIndex, NodeIndex } from './tree-math.ts';
import { isUnder, leafNode, left, parent, right, root } from './tree-math.ts';

/** The rule that the tree breaks, if any. Keys and places were checked when the nodes were put in. */
export function checkStructure(tree: PublicTree): Violation | undefined {
  if (tree.leafCount > 1 && tree.occupiedLeaves(right(root(tree.leafCount))) === 0)
    return violation('tree/leaf-count');
  if (tree.roleCounts().joined.owner === 0) return violation('tree/ownerless');
  for (const [index, node] of tree.nodes()) {
    if (node.kind !== 'parent') continue;
    if (!unmergedAreSound(tree, index, node.unmergedLeaves))
      return violation('tree/unmerged-leaves', `node ${index}`);
    for (const side of [left(index), right(index)]) {
      const unmerged = node.unmergedLeaves.filter((leaf) => isUnder(leafNode(leaf), side)).length;
      if (tree.occupiedLeaves(side) === unmerged)
        return violation('tree/parent-without-members', `node ${index}`);
    }
  }
  return undefined;
}

function unmergedAreSound(tree: PublicTree, index: NodeIndex, unmerged: readonly LeafIndex[]): boolean {
  return unmerged.every((leaf, i) => {
    if (i > 0 && leaf <= unmerged[i - 1]!) return false;
    if (!isUnder(leafNode(leaf), index) || tree.isBlank(leafNode(leaf))) return false;
    for (let at = parent(leafNode(leaf)); at !== index; at = parent(at)) {
      if (!tree.isBlank(at) && !holds(tree.unmergedLeaves(at), leaf)) return false;
    }
    return true;
  });
}

/** Binary search; in a list that turns out not to ascend the answer may be no, which is as bad for the list. */
function holds(ascending: readonly LeafIndex[], leaf: LeafIndex): boolean {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]! < leaf) low = middle + 1;
    else high = middle;
  }
  return ascending[low] === leaf;
}
