/**
 * Fills (docs/sealed-groups.md §5): parent nodes off the committer's path that get a key because everyone under them is
 * the committer's own pending leaf. The committer knows those leaves' secrets anyway, so it learns nothing by choosing the
 * node's; and nobody else stands above them with a key that a leaf under the fill would have to know [F8, F17].
 *
 * `checkFills` judges a fill list; `chooseFills` makes the list that an inviter should use. Both look at the tree after
 * removals and adds, before any new key.
 */
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import type { LeafIndex, NodeIndex } from './tree-math.ts';
import {
  isLeaf,
  isUnder,
  leafAt,
  leafNode,
  left,
  level,
  parent,
  right,
  root,
  toNodeIndex,
} from './tree-math.ts';
import type { Instance } from './tree-node.ts';
import { isPendingOf } from './tree-node.ts';
import type { TreeReader } from './tree-reader.ts';

/** The checked list. `committer` names the committing leaf's instance. */
export function checkFills(
  tree: TreeReader,
  committer: Instance,
  fills: readonly number[],
): Result<readonly NodeIndex[]> {
  const own = leafNode(committer.leaf);
  const checked = new Set<NodeIndex>();
  let previous: NodeIndex | undefined;
  for (const fill of fills) {
    const node = toNodeIndex(fill, tree.leafCount);
    if (node === undefined || isLeaf(node) || isUnder(own, node))
      return violation('tree/fill-place', `node ${fill}`);
    if (previous !== undefined && bottomUp(previous, node) >= 0)
      return violation('tree/fill-order', `node ${fill}`);
    if (tree.occupiedLeaves(left(node)) === 0 || tree.occupiedLeaves(right(node)) === 0)
      return violation('tree/fill-sides', `node ${fill}`);
    if (!onlyOwnPending(tree, committer, node, checked)) return violation('tree/fill-leaves', `node ${fill}`);
    checked.add(node);
    previous = node;
  }
  for (const node of checked) {
    const open = ancestorWithForeignKey(tree, own, node, checked);
    if (open !== undefined) return violation('tree/fill-ancestors', `node ${node} under ${open}`);
  }
  return accept([...checked]);
}

/** Ascending by level, then index: the order of a fill list. */
function bottomUp(a: NodeIndex, b: NodeIndex): number {
  return level(a) - level(b) || a - b;
}

/** Bottom-up order means that a fill's lower fills are checked already: each leaf is looked at once in the whole list. */
function onlyOwnPending(
  tree: TreeReader,
  committer: Instance,
  node: NodeIndex,
  checked: ReadonlySet<NodeIndex>,
): boolean {
  if (checked.has(node) || tree.occupiedLeaves(node) === 0) return true;
  if (!isLeaf(node))
    return (
      onlyOwnPending(tree, committer, left(node), checked) &&
      onlyOwnPending(tree, committer, right(node), checked)
    );
  const leaf = tree.leaf(leafAt(node));
  return leaf !== undefined && isPendingOf(leaf, committer);
}

function ancestorWithForeignKey(
  tree: TreeReader,
  own: NodeIndex,
  fill: NodeIndex,
  fills: ReadonlySet<NodeIndex>,
): NodeIndex | undefined {
  // Once an ancestor is on the committer's path, so are all above it.
  for (let at = parent(fill); !isUnder(own, at); at = parent(at)) {
    if (!tree.isBlank(at) && !fills.has(at)) return at;
  }
  return undefined;
}

/**
 * The fills, at most `limit`, that leave every subtree of the committer's pending leaves with one key, as far as the rules
 * allow. What already has a key that all its leaves know is left alone. If the limit cuts, whole subtrees come first, and
 * of the last one the lowest nodes are left out: each of those costs one more recipient, nothing else.
 */
export function chooseFills(tree: TreeReader, committer: Instance, limit: number): NodeIndex[] {
  const own = leafNode(committer.leaf);
  const pending = tree.pendingLeavesAddedBy(committer);
  const pendingUnder = countPerNode(pending, tree.leafCount);
  const isOwned = (node: NodeIndex): boolean => pendingUnder.get(node) === tree.occupiedLeaves(node);
  const chosen: NodeIndex[] = [];
  const done = new Set<NodeIndex>();
  for (const leaf of pending) {
    let top = leafNode(leaf);
    while (top !== root(tree.leafCount) && !isUnder(own, parent(top)) && isOwned(parent(top)))
      top = parent(top);
    if (done.has(top)) continue;
    done.add(top);
    if (isLeaf(top) || ancestorWithForeignKey(tree, own, top, new Set()) !== undefined) continue;
    const fills: NodeIndex[] = [];
    collectFills(tree, top, fills);
    fills.sort(bottomUp);
    chosen.push(...fills.slice(Math.max(0, fills.length - (limit - chosen.length))));
    if (chosen.length >= limit) break;
  }
  return chosen.sort(bottomUp);
}

/**
 * Adds the nodes at or under `node` that want a key; returns whether there was one. Above an unmerged leaf the lowest node
 * with two sides is always blank, so unmerged leaves need no look of their own.
 */
function collectFills(tree: TreeReader, node: NodeIndex, fills: NodeIndex[]): boolean {
  if (isLeaf(node) || tree.occupiedLeaves(node) === 0) return false;
  const lower = [collectFills(tree, left(node), fills), collectFills(tree, right(node), fills)];
  const forks = tree.occupiedLeaves(left(node)) > 0 && tree.occupiedLeaves(right(node)) > 0;
  const wantsKey = forks && (tree.isBlank(node) || lower.includes(true));
  if (wantsKey) fills.push(node);
  return wantsKey || lower.includes(true);
}

function countPerNode(leaves: readonly LeafIndex[], leafCount: number): Map<NodeIndex, number> {
  const counts = new Map<NodeIndex, number>();
  for (const leaf of leaves) {
    for (let at = leafNode(leaf); ; at = parent(at)) {
      counts.set(at, (counts.get(at) ?? 0) + 1);
      if (at === root(leafCount)) break;
    }
  }
  return counts;
}
