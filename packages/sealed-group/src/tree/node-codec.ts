/**
 * The one encoding of a node's content: what the tree hash covers, what storage rows hold and what a whole encoded tree is
 * made of (`tree-codec.ts`). Numbers are unsigned LEB128, shortest form.
 *
 * ```
 *  0x00  blank
 *  0x01  parent            key(32)
 *  0x02  parent            key(32) count first-leaf gap-1 gap-1 ...     unmerged leaves, at least one
 *  0x40 | role | device<<2 | added<<3 | pending<<4
 *        leaf              key(32) epoch [adder-leaf adder-epoch] [expires-at-ms]
 * ```
 *
 * A leaf takes 33 bytes and its numbers, seldom more than 48 together; a parent without unmerged leaves 33.
 */
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import type { PublicKey } from '../signature/keys.ts';
import { keyBytes, maxLeafCount } from '../wire/limits.ts';
import { ByteReader, ByteWriter } from './byte-stream.ts';
import { rank, rolesByRank } from './roles.ts';
import type { LeafIndex, NodeIndex } from './tree-math.ts';
import { isLeaf, toLeafIndex } from './tree-math.ts';
import type { Instance, LeafNode, ParentNode, TreeNode } from './tree-node.ts';

/**
 * Turns 32 bytes into a key: `parsePublicKey` of the suite for bytes from outside; a mere copy where the bytes were checked
 * before, such as rows of our own store.
 */
export type ParseKey = (bytes: Uint8Array) => PublicKey | undefined;

export const tag = { blank: 0x00, parent: 0x01, parentWithUnmerged: 0x02, leaf: 0x40 } as const;
const leafFlag = { device: 0x04, added: 0x08, pending: 0x10 } as const;

/** Content of a node; a blank one is the single byte 0. */
export function encodeNode(node: TreeNode | undefined): Uint8Array {
  const writer = new ByteWriter(64);
  if (node === undefined) writer.byte(tag.blank);
  else writeNode(writer, node);
  return writer.bytes();
}

/** The node that stands at `index`; undefined is a blank one. */
export function decodeNode(
  index: NodeIndex,
  bytes: Uint8Array,
  parseKey: ParseKey,
): Result<TreeNode | undefined> {
  const reader = new ByteReader(bytes);
  if (reader.peek() === tag.blank) {
    reader.byte();
    return reader.isAtEnd() ? accept(undefined) : violation('tree/encoding');
  }
  const node = readNode(reader, index, parseKey);
  return !node.ok || reader.isAtEnd() ? node : violation('tree/encoding');
}

export function writeNode(writer: ByteWriter, node: TreeNode): void {
  if (node.kind === 'leaf') writeLeaf(writer, node);
  else writeParent(writer, node);
}

/** Reads a non-blank node; the reader stands behind it afterwards. */
export function readNode(reader: ByteReader, index: NodeIndex, parseKey: ParseKey): Result<TreeNode> {
  const first = reader.byte();
  const isParentTag = first === tag.parent || first === tag.parentWithUnmerged;
  const isLeafTag = first !== undefined && first >= tag.leaf && first < tag.leaf + 0x20;
  if (!isParentTag && !isLeafTag) return violation('tree/encoding', `node ${index}`);
  if (isLeafTag !== isLeaf(index)) return violation('tree/node-place', `node ${index}`);
  const keyAsRead = reader.take(keyBytes);
  if (keyAsRead === undefined) return violation('tree/encoding', `node ${index}`);
  const publicKey = parseKey(keyAsRead);
  if (publicKey === undefined) return violation('tree/malformed-key', `node ${index}`);
  const node = isLeafTag ? readLeaf(reader, first, publicKey) : readParent(reader, first, publicKey);
  return node === undefined ? violation('tree/encoding', `node ${index}`) : accept(node);
}

function writeLeaf(writer: ByteWriter, leaf: LeafNode): void {
  writer.byte(
    tag.leaf |
      rank(leaf.role) |
      (leaf.device ? leafFlag.device : 0) |
      (leaf.addedBy === undefined ? 0 : leafFlag.added) |
      (leaf.expiresAtMs === undefined ? 0 : leafFlag.pending),
  );
  writer.raw(leaf.publicKey);
  writer.number(leaf.epoch);
  if (leaf.addedBy !== undefined) {
    writer.number(leaf.addedBy.leaf);
    writer.number(leaf.addedBy.epoch);
  }
  if (leaf.expiresAtMs !== undefined) writer.number(leaf.expiresAtMs);
}

function readLeaf(reader: ByteReader, flags: number, publicKey: PublicKey): LeafNode | undefined {
  const role = rolesByRank[flags & 3]!;
  const epoch = reader.number();
  const addedBy = (flags & leafFlag.added) === 0 ? undefined : readInstance(reader);
  const expiresAtMs = (flags & leafFlag.pending) === 0 ? undefined : reader.number();
  if (epoch === undefined) return undefined;
  // Only the creator's leaf was added by nobody, and it is neither pending nor a device.
  if ((flags & leafFlag.added) === 0 && (flags & (leafFlag.pending | leafFlag.device)) !== 0)
    return undefined;
  if ((flags & leafFlag.added) !== 0 && addedBy === undefined) return undefined;
  if ((flags & leafFlag.pending) !== 0 && expiresAtMs === undefined) return undefined;
  return {
    kind: 'leaf',
    publicKey,
    role,
    epoch,
    addedBy,
    device: (flags & leafFlag.device) !== 0,
    expiresAtMs,
  };
}

function readInstance(reader: ByteReader): Instance | undefined {
  // The adder's place may lie outside today's tree: it may be gone.
  const leaf = toLeafIndex(reader.number() ?? -1, maxLeafCount);
  const epoch = reader.number();
  return leaf === undefined || epoch === undefined ? undefined : { leaf, epoch };
}

function writeParent(writer: ByteWriter, node: ParentNode): void {
  const { unmergedLeaves } = node;
  writer.byte(unmergedLeaves.length === 0 ? tag.parent : tag.parentWithUnmerged);
  writer.raw(node.publicKey);
  if (unmergedLeaves.length === 0) return;
  writer.number(unmergedLeaves.length);
  unmergedLeaves.forEach((leaf, i) => writer.number(i === 0 ? leaf : leaf - unmergedLeaves[i - 1]! - 1));
}

function readParent(reader: ByteReader, first: number, publicKey: PublicKey): ParentNode | undefined {
  const unmergedLeaves: LeafIndex[] = [];
  if (first === tag.parentWithUnmerged) {
    const count = reader.number();
    if (count === undefined || count === 0) return undefined;
    for (let next = 0; unmergedLeaves.length < count;) {
      const leaf = toLeafIndex(next + (reader.number() ?? maxLeafCount), maxLeafCount);
      if (leaf === undefined) return undefined;
      unmergedLeaves.push(leaf);
      next = leaf + 1;
    }
  }
  return { kind: 'parent', publicKey, unmergedLeaves };
}
