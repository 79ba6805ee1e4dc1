/**
 * The leaves of the epoch before, for late messages (§6): who stood where, joined or pending, with which role. Kept as the
 * difference to the current tree, because a commit changes few leaves.
 */
import type { LeafIndex, LeafNode, PublicTree, TreeChanges, TreeReader } from '../tree/index.ts';
import { isLeaf, leafAt } from '../tree/index.ts';

export interface PreviousEpoch {
  readonly leafCount: number;
  /** Undefined: the place was blank. */
  readonly changedLeaves: ReadonlyMap<LeafIndex, LeafNode | undefined>;
}

/** What `changes` are about to overwrite: call it before they are applied. */
export function rememberEpoch(tree: PublicTree, changes: TreeChanges): PreviousEpoch {
  const changedLeaves = new Map<LeafIndex, LeafNode | undefined>();
  for (const node of changes.nodes.keys()) {
    if (isLeaf(node)) changedLeaves.set(leafAt(node), tree.leaf(leafAt(node)));
  }
  return { leafCount: tree.leafCount, changedLeaves };
}

/** The leaves of the epoch before, seen through the tree after it. */
export function viewPreviousEpoch(
  previous: PreviousEpoch,
  tree: PublicTree,
): Pick<TreeReader, 'leaf' | 'leafCount'> {
  return {
    leafCount: previous.leafCount,
    leaf: (index) =>
      previous.changedLeaves.has(index) ? previous.changedLeaves.get(index) : tree.leaf(index),
  };
}
