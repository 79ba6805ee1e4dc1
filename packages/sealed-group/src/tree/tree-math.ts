/**
 * Index arithmetic of left-balanced perfect binary trees in array form (RFC 9420 §4.1, Appendix C).
 *
 * ```
 *  level 2           3
 *              /           \
 *  level 1     1             5          leaves are the even indices: leaf i is node 2i;
 *            /   \         /   \        the number of leaves is always a power of two,
 *  level 0  0     2       4     6       so the root of n leaves is node n - 1.
 * ```
 *
 * Indices stay below 2^21 (`maxLeafCount` leaves), so 32-bit operators are exact. Callers pass indices that lie in the
 * tree; indices from outside become `NodeIndex`/`LeafIndex` only through `toNodeIndex` and `toLeafIndex`.
 */
import { maxLeafCount } from '../wire/limits.ts';

declare const nodeIndexBrand: unique symbol;
declare const leafIndexBrand: unique symbol;

/** A node's place in the array form. */
export type NodeIndex = number & { readonly [nodeIndexBrand]: true };
/** A leaf's place among the leaves, from the left. */
export type LeafIndex = number & { readonly [leafIndexBrand]: true };

/** The index if it lies in a tree of `leafCount` leaves. */
export function toNodeIndex(index: number, leafCount: number): NodeIndex | undefined {
  return Number.isInteger(index) && index >= 0 && index < nodeCount(leafCount)
    ? (index as NodeIndex)
    : undefined;
}

/** The index if it lies in a tree of `leafCount` leaves. */
export function toLeafIndex(index: number, leafCount: number): LeafIndex | undefined {
  return Number.isInteger(index) && index >= 0 && index < leafCount ? (index as LeafIndex) : undefined;
}

/** A power of two from 1 to `maxLeafCount`. */
export function isLeafCount(count: number): boolean {
  return Number.isInteger(count) && count >= 1 && count <= maxLeafCount && (count & (count - 1)) === 0;
}

/** Number of nodes, parents included, of a tree of `leafCount` leaves. */
export function nodeCount(leafCount: number): number {
  return 2 * leafCount - 1;
}

export function leafNode(leaf: LeafIndex): NodeIndex {
  return (2 * leaf) as NodeIndex;
}

export function isLeaf(node: NodeIndex): boolean {
  return (node & 1) === 0;
}

/** The leaf at a node of level 0. */
export function leafAt(node: NodeIndex): LeafIndex {
  return (node >>> 1) as LeafIndex;
}

/** Distance from the leaves: the number of trailing one bits of the index. */
export function level(node: NodeIndex): number {
  return 31 - Math.clz32(~node & (node + 1));
}

export function root(leafCount: number): NodeIndex {
  return (leafCount - 1) as NodeIndex;
}

/** Left child of a parent node; a leaf has none, so the caller asks `isLeaf` first. */
export function left(node: NodeIndex): NodeIndex {
  return (node ^ (1 << (level(node) - 1))) as NodeIndex;
}

/** Right child of a parent node; a leaf has none, so the caller asks `isLeaf` first. */
export function right(node: NodeIndex): NodeIndex {
  return (node ^ (3 << (level(node) - 1))) as NodeIndex;
}

/** The parent a node has in every tree in which it is not the root. */
export function parent(node: NodeIndex): NodeIndex {
  const k = level(node);
  return ((node | (1 << k)) & ~(1 << (k + 1))) as NodeIndex;
}

/** The other child of the node's parent. */
export function sibling(node: NodeIndex): NodeIndex {
  return (node ^ (1 << (level(node) + 1))) as NodeIndex;
}

/**
 * The node's ancestors, its parent first, the root last; empty for the root. Throws for a node outside of the tree, whose ancestors
 * never come to the root.
 */
export function directPath(node: NodeIndex, leafCount: number): NodeIndex[] {
  const path: NodeIndex[] = [];
  assertInTree(node, leafCount);
  const top = root(leafCount);
  for (let at = node; at !== top;) {
    at = parent(at);
    path.push(at);
  }
  return path;
}

/**
 * The sibling of the node and of each ancestor below the root: `copath(x)[i]` is the child of `directPath(x)[i]` off the path. Throws
 * as that does.
 */
export function copath(node: NodeIndex, leafCount: number): NodeIndex[] {
  const path: NodeIndex[] = [];
  assertInTree(node, leafCount);
  const top = root(leafCount);
  for (let at = node; at !== top; at = parent(at)) path.push(sibling(at));
  return path;
}

function assertInTree(node: NodeIndex, leafCount: number): void {
  if (node >= nodeCount(leafCount))
    throw new RangeError(`node ${node} is not in a tree of ${leafCount} leaves`);
}

/** First and last leaf under the node. */
export function leafRange(node: NodeIndex): { readonly first: LeafIndex; readonly last: LeafIndex } {
  const reach = (1 << level(node)) - 1;
  return { first: ((node - reach) >>> 1) as LeafIndex, last: ((node + reach) >>> 1) as LeafIndex };
}

/** Whether `descendant` is `ancestor` itself or lies under it. */
export function isUnder(descendant: NodeIndex, ancestor: NodeIndex): boolean {
  const reach = (1 << level(ancestor)) - 1;
  return descendant >= ancestor - reach && descendant <= ancestor + reach;
}

/** The lowest node that has both under (or at) it. */
export function commonAncestor(a: NodeIndex, b: NodeIndex): NodeIndex {
  let at = level(a) >= level(b) ? a : b;
  while (!isUnder(a, at) || !isUnder(b, at)) at = parent(at);
  return at;
}
