/**
 * What can be asked of a public tree, whether it is the whole tree in memory or a draft over one; and the two questions
 * that every commit asks: a node's resolution and a leaf's filtered direct path (RFC 9420 §4.1.1, §4.1.2).
 */
import type { PublicKey } from '../signature/keys.ts';
import type { Role } from './roles.ts';
import type { LeafIndex, NodeIndex } from './tree-math.ts';
import { copath, directPath, isLeaf, left, leafNode, right } from './tree-math.ts';
import type { Instance, LeafNode, TreeNode } from './tree-node.ts';

export interface RoleCounts {
  /** Leaves that made their first commit. */
  readonly joined: Readonly<Record<Role, number>>;
  readonly pending: Readonly<Record<Role, number>>;
}

export interface TreeReader {
  /** Number of leaf places, blank ones included: a power of two. */
  readonly leafCount: number;
  /** The node, or undefined if it is blank or outside the tree. */
  node(index: NodeIndex): TreeNode | undefined;
  /** The leaf, or undefined if it is blank or outside the tree. */
  leaf(index: LeafIndex): LeafNode | undefined;
  isBlank(index: NodeIndex): boolean;
  /** Leaves under the node (or the leaf itself) that do not know its secret; empty for blank nodes. */
  unmergedLeaves(index: NodeIndex): readonly LeafIndex[];
  /** How many non-blank leaves stand under (or at) the node: 0 exactly if its resolution is empty. */
  occupiedLeaves(index: NodeIndex): number;
  /** 32 bytes; see `node-hash.ts`. The caller must not change them. */
  hash(index: NodeIndex): Uint8Array;
  /** Hash of the root: 32 bytes that bind the whole tree and its size. */
  treeHash(): Uint8Array;
  roleCounts(): RoleCounts;
  /** Where this key stands: keys are unique. */
  nodeWithKey(publicKey: PublicKey): NodeIndex | undefined;
  /** Pending leaves added by this instance, ascending. */
  pendingLeavesAddedBy(adder: Instance): readonly LeafIndex[];
  /** Device leaves, pending or joined, added by this instance, ascending. */
  deviceLeavesAddedBy(adder: Instance): readonly LeafIndex[];
}

/** What a resolution asks of a tree; of `occupiedLeaves` only whether there are any. */
export type ResolvableTree = Pick<TreeReader, 'occupiedLeaves' | 'isBlank' | 'unmergedLeaves'>;

/**
 * The nodes whose keys together reach everyone under the node, ascending by node index. At most `limit + 1` are collected:
 * a longer answer means "more than `limit`", so that no untrusted input makes this walk a large tree.
 */
export function resolution(
  tree: ResolvableTree,
  node: NodeIndex,
  limit = Number.POSITIVE_INFINITY,
): NodeIndex[] {
  const found: NodeIndex[] = [];
  collect(tree, node, limit, found);
  return found.sort((a, b) => a - b);
}

function collect(tree: ResolvableTree, node: NodeIndex, limit: number, found: NodeIndex[]): void {
  if (found.length > limit || tree.occupiedLeaves(node) === 0) return;
  if (!tree.isBlank(node)) {
    found.push(node);
    for (const leaf of tree.unmergedLeaves(node)) found.push(leafNode(leaf));
  } else if (!isLeaf(node)) {
    collect(tree, left(node), limit, found);
    collect(tree, right(node), limit, found);
  }
}

/** The leaf's ancestors, lowest first, split by whether their child off the path resolves to anyone. */
export function filteredDirectPath(
  tree: TreeReader,
  leaf: LeafIndex,
): { readonly kept: NodeIndex[]; readonly skipped: NodeIndex[] } {
  const path = directPath(leafNode(leaf), tree.leafCount);
  const siblings = copath(leafNode(leaf), tree.leafCount);
  const kept: NodeIndex[] = [];
  const skipped: NodeIndex[] = [];
  path.forEach((node, i) => (tree.occupiedLeaves(siblings[i]!) > 0 ? kept : skipped).push(node));
  return { kept, skipped };
}
