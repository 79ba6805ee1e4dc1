/**
 * A leaf with its ancestors and the hashes beside them: as much of a tree as gives its hash. The server cuts it out of a tree; a
 * newcomer keeps one and moves it from epoch to epoch by what changed.
 *
 * The tree hash is computed, never told: the root's index stands in it, so a path of another length, and with it another
 * number of leaf places, has another hash.
 */
import { equalBytes } from '@noble/ciphers/utils.js';
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import type {
  LeafIndex,
  LeafNode,
  NodeIndex,
  ParseKey,
  PathAncestor,
  PathTree,
  TreeNode,
} from '../tree/index.ts';
import { decodeNode, directPath, encodeNode, leafNode, left, sibling } from '../tree/index.ts';
import { leafHash, parentHash } from '../tree/node-hash.ts';

export interface LeafPath {
  /** Leaf places of the tree, a power of two. */
  readonly leafCount: number;
  readonly index: LeafIndex;
  readonly leaf: LeafNode;
  /** Lowest first. */
  readonly ancestors: readonly PathAncestor[];
}

/** What is different at one ancestor. */
export interface AncestorChange {
  /** Place among the ancestors: 0 is the leaf's parent. */
  readonly place: number;
  /** The new content as `encodeNode` gives it; undefined if unchanged. */
  readonly content: Uint8Array | undefined;
  /** The new hash of the child off the path; undefined if unchanged. */
  readonly beside: Uint8Array | undefined;
}

/** Undefined if there is no such leaf. Copies: the tree may change afterwards. */
export function cutLeafPath(tree: PathTree, index: LeafIndex): LeafPath | undefined {
  const leaf = index < tree.leafCount ? tree.leaf(index) : undefined;
  if (leaf === undefined) return undefined;
  let below = leafNode(index);
  const ancestors = directPath(below, tree.leafCount).map((at): PathAncestor => {
    const beside = Uint8Array.from(tree.hash(sibling(below)));
    below = at;
    return { index: at, node: tree.node(at), beside };
  });
  return { leafCount: tree.leafCount, index, leaf, ancestors };
}

export function treeHashOfPath({ index, leaf, ancestors }: LeafPath): Uint8Array {
  let below = leafNode(index);
  let hash = leafHash(below, encodeNode(leaf));
  for (const { index: at, node, beside } of ancestors) {
    const content = node === undefined ? undefined : encodeNode(node);
    hash = below === left(at) ? parentHash(at, content, hash, beside) : parentHash(at, content, beside, hash);
    below = at;
  }
  return hash;
}

/** What turns the ancestors of `before` into those of `after`, lowest first. */
export function changesBetween(before: LeafPath, after: LeafPath): AncestorChange[] {
  return after.ancestors.flatMap(({ node, beside }, place) => {
    const known = before.ancestors[place];
    const content = encodeNode(node);
    const sameContent = known !== undefined && equalBytes(encodeNode(known.node), content);
    const sameBeside = known !== undefined && equalBytes(known.beside, beside);
    if (sameContent && sameBeside) return [];
    return [{ place, content: sameContent ? undefined : content, beside: sameBeside ? undefined : beside }];
  });
}

/** The path in a tree of `leafCount` places. The leaf stays as it is: a newcomer's changes with its first commit only. */
export function changeLeafPath(
  path: LeafPath,
  leafCount: number,
  changes: readonly AncestorChange[],
  parseKey: ParseKey,
): Result<LeafPath> {
  if (path.index >= leafCount) return violation('preview/path', 'leaf');
  const changeByPlace = new Map(changes.map((change) => [change.place, change]));
  const ancestors: PathAncestor[] = [];
  for (const [place, index] of directPath(leafNode(path.index), leafCount).entries()) {
    const ancestor = changeAncestor(index, path.ancestors[place], changeByPlace.get(place), parseKey);
    if (!ancestor.ok) return ancestor;
    ancestors.push(ancestor.value);
    changeByPlace.delete(place);
  }
  if (changeByPlace.size > 0) return violation('preview/path', 'above the root');
  return accept({ ...path, leafCount, ancestors });
}

function changeAncestor(
  index: NodeIndex,
  known: PathAncestor | undefined,
  change: AncestorChange | undefined,
  parseKey: ParseKey,
): Result<PathAncestor> {
  const beside = change?.beside ?? known?.beside;
  let node: TreeNode | undefined = known?.node;
  if (change?.content !== undefined) {
    const decoded = decodeNode(index, change.content, parseKey);
    if (!decoded.ok) return decoded;
    node = decoded.value;
  } else if (known === undefined) return violation('preview/path', `node ${index}`);
  return beside === undefined
    ? violation('preview/path', `node ${index}`)
    : accept({ index, node, beside: Uint8Array.from(beside) });
}
