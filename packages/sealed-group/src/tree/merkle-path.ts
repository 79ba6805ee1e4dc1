/**
 * One leaf and its ancestors with a proof that they stand in the tree of a given hash: enough to display a group and to
 * read during a join. Nobody seals to, or accepts a signature by, a key known only so [F2]: that needs the whole tree.
 *
 * ```
 *  log2 of the number of leaf places(1) | leaf index (LEB128) | leaf content
 *  then per ancestor, lowest first:  content or 0x00 | hash of the child off the path(32)
 * ```
 */
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import { ByteReader, ByteWriter } from './byte-stream.ts';
import type { ParseKey } from './node-codec.ts';
import { encodeNode, readNode, tag, writeNode } from './node-codec.ts';
import { leafHash, parentHash, treeHashBytes } from './node-hash.ts';
import type { LeafIndex, NodeIndex } from './tree-math.ts';
import { directPath, isLeafCount, leafNode, left, sibling, toLeafIndex } from './tree-math.ts';
import type { LeafNode, TreeNode } from './tree-node.ts';
import type { TreeReader } from './tree-reader.ts';

export interface VerifiedPath {
  readonly leafCount: number;
  readonly index: LeafIndex;
  readonly leaf: LeafNode;
  /** The leaf's ancestors, lowest first. */
  readonly ancestors: readonly PathAncestor[];
}

export interface PathAncestor {
  readonly index: NodeIndex;
  /** Undefined where blank. */
  readonly node: TreeNode | undefined;
  /** Hash of its child off the path, 32 bytes. */
  readonly beside: Uint8Array;
}

/** What a path asks of a tree. */
export type PathTree = Pick<TreeReader, 'leafCount' | 'leaf' | 'node' | 'hash'>;

/** Undefined if the leaf is blank. */
export function encodeMerklePath(tree: PathTree, leaf: LeafIndex): Uint8Array | undefined {
  const node = tree.leaf(leaf);
  if (node === undefined) return undefined;
  const writer = new ByteWriter(1024);
  writer.byte(Math.log2(tree.leafCount));
  writer.number(leaf);
  writeNode(writer, node);
  let below = leafNode(leaf);
  for (const index of directPath(below, tree.leafCount)) {
    writer.raw(encodeNode(tree.node(index)));
    writer.raw(tree.hash(sibling(below)));
    below = index;
  }
  return writer.bytes();
}

export function verifyMerklePath(
  bytes: Uint8Array,
  treeHash: Uint8Array,
  parseKey: ParseKey,
): Result<VerifiedPath> {
  const reader = new ByteReader(bytes);
  const leafCount = 2 ** (reader.byte() ?? 31);
  if (!isLeafCount(leafCount)) return violation('tree/leaf-count');
  const index = toLeafIndex(reader.number() ?? -1, leafCount);
  if (index === undefined) return violation('tree/encoding', 'leaf index');
  const leaf = readNode(reader, leafNode(index), parseKey);
  if (!leaf.ok) return leaf;
  if (leaf.value.kind !== 'leaf') return violation('tree/node-place');

  let hash = leafHash(leafNode(index), encodeNode(leaf.value));
  let below = leafNode(index);
  const ancestors: PathAncestor[] = [];
  for (const at of directPath(below, leafCount)) {
    const node = readAncestor(reader, at, parseKey);
    if (!node.ok) return node;
    const other = reader.take(treeHashBytes);
    if (other === undefined) return violation('tree/encoding', `node ${at}`);
    const content = node.value === undefined ? undefined : encodeNode(node.value);
    hash = below === left(at) ? parentHash(at, content, hash, other) : parentHash(at, content, other, hash);
    ancestors.push({ index: at, node: node.value, beside: other.slice() });
    below = at;
  }
  if (!reader.isAtEnd()) return violation('tree/encoding', 'trailing bytes');
  if (hash.length !== treeHash.length || hash.some((byte, i) => byte !== treeHash[i]))
    return violation('tree/path-hash');
  return accept({ leafCount, index, leaf: leaf.value, ancestors });
}

function readAncestor(
  reader: ByteReader,
  index: NodeIndex,
  parseKey: ParseKey,
): Result<TreeNode | undefined> {
  if (reader.peek() !== tag.blank) return readNode(reader, index, parseKey);
  reader.byte();
  return accept(undefined);
}
