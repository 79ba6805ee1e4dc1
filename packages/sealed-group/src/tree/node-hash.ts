/**
 * The tree hash (docs/sealed-groups.md §3).
 *
 * ```
 *  leaf     hashTuple("tree leaf",   u32 node index, content)
 *  parent   hashTuple("tree parent", u32 node index, content or nothing if blank, left hash, right hash)
 *  nothing  hashTuple("tree blank",  u32 level)      a subtree (or one place) in which every leaf is blank
 * ```
 *
 * The hash of an empty subtree depends on its level only, so that doubling a tree of a million places costs one hash. It
 * binds no index, and needs none: the parent's hash does, and an index together with "left" or "right" fixes the child's.
 * The three labels keep the forms apart, and an empty subtree has only the third: a parent node with a key always has leaves.
 * The root's index is the number of leaf places minus one, so the tree hash binds the size of the tree.
 */
import { hashTuple, uint32 } from '../hash/index.ts';
import { maxLeafCount } from '../wire/limits.ts';
import type { NodeIndex } from './tree-math.ts';

export const treeHashBytes = 32;

const nothing = new Uint8Array(0);
const blankHashes: readonly Uint8Array[] = Array.from({ length: Math.log2(maxLeafCount) + 1 }, (_, level) =>
  hashTuple('tree blank', uint32(level)),
);

/** Hash of a subtree of this level without leaves. */
export function blankHash(level: number): Uint8Array {
  return blankHashes[level]!;
}

/** `content` as `encodeNode` gives it. */
export function leafHash(index: NodeIndex, content: Uint8Array): Uint8Array {
  return hashTuple('tree leaf', uint32(index), content);
}

/** Hash of a parent with at least one leaf under it; `content` is undefined if the parent itself is blank. */
export function parentHash(
  index: NodeIndex,
  content: Uint8Array | undefined,
  left: Uint8Array,
  right: Uint8Array,
): Uint8Array {
  return hashTuple('tree parent', uint32(index), content ?? nothing, left, right);
}
