/**
 * A leaf's path (merkle-path.ts) out of stored subtrees: for a store that keeps each node's content and hash, and answers with
 * as many rows as the path has nodes.
 */
import { ByteWriter } from './byte-stream.ts';
import { tag } from './node-codec.ts';
import { blankHash } from './node-hash.ts';
import type { LeafIndex, NodeIndex } from './tree-math.ts';
import { copath, directPath, leafNode, level, sibling } from './tree-math.ts';

/** What a store keeps of a node (tree-draft.ts, `Subtree`), encoded. */
export interface StoredSubtree {
  /** As `encodeNode` gives it; undefined: blank. */
  readonly content: Uint8Array | undefined;
  /** Undefined: no leaf under the node. */
  readonly hash: Uint8Array | undefined;
}

/** The nodes that `assembleMerklePath` asks for: the leaf, its ancestors, and the child of each that is off the path. */
export function nodesOfPath(leafCount: number, leaf: LeafIndex): NodeIndex[] {
  const node = leafNode(leaf);
  return [node, ...directPath(node, leafCount), ...copath(node, leafCount)];
}

/** The octets of `encodeMerklePath`. Undefined if the leaf is blank. */
export function assembleMerklePath(
  leafCount: number,
  leaf: LeafIndex,
  subtreeAt: (index: NodeIndex) => StoredSubtree | undefined,
): Uint8Array | undefined {
  const content = subtreeAt(leafNode(leaf))?.content;
  if (content === undefined) return undefined;
  const writer = new ByteWriter(2048);
  writer.byte(Math.log2(leafCount));
  writer.number(leaf);
  writer.raw(content);
  let below = leafNode(leaf);
  for (const index of directPath(below, leafCount)) {
    const ancestor = subtreeAt(index)?.content;
    if (ancestor === undefined) writer.byte(tag.blank);
    else writer.raw(ancestor);
    const beside = sibling(below);
    writer.raw(subtreeAt(beside)?.hash ?? blankHash(level(beside)));
    below = index;
  }
  return writer.bytes();
}
