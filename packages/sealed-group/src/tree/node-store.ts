/**
 * Compact, sparse storage behind `PublicTree`: fixed-size records in pages that exist only where something stands. At a
 * million leaves an object per node would cost a gigabyte; a record costs 100 bytes. Nodes go in and out as values.
 *
 * ```
 *  0  key             32     72  earliest expiry of a pending leaf under the node, ms (f64; Infinity: none)
 * 32  hash            32     80  epoch of adding (f64)          leaves only
 * 64  content          1     88  adder's epoch (f64)            leaves only
 * 65  hash is known    1     96  adder's leaf (u32)             leaves only
 * 68  occupied leaves  4
 * ```
 *
 * The content byte is 0 for a blank node, 1 for a parent, 0x40 + role + flags for a leaf. Lists of unmerged leaves, which
 * few parents have, stand beside the records.
 */
import type { PublicKey } from '../signature/keys.ts';
import { hashKeyAt } from './key-hash.ts';
import { treeHashBytes } from './node-hash.ts';
import { rank, rolesByRank } from './roles.ts';
import type { LeafIndex, NodeIndex } from './tree-math.ts';
import type { LeafNode, TreeNode } from './tree-node.ts';

const recordBytes = 100;
const pageShift = 6;
const pageNodes = 1 << pageShift;
const at = {
  hash: 32,
  content: 64,
  hashKnown: 65,
  occupied: 68,
  expiry: 72,
  epoch: 80,
  adderEpoch: 88,
  adderLeaf: 96,
};
const content = { parent: 1, leaf: 0x40, device: 0x04, added: 0x08, pending: 0x10 };

/** What is kept of a whole subtree at its top. */
export interface Summary {
  readonly occupiedLeaves: number;
  /** Of the pending leaves in it; Infinity if there is none. */
  readonly earliestExpiryMs: number;
}

const empty: Summary = { occupiedLeaves: 0, earliestExpiryMs: Number.POSITIVE_INFINITY };

export class NodeStore {
  readonly #pages: (DataView | undefined)[] = [];
  readonly #unmerged = new Map<NodeIndex, readonly LeafIndex[]>();

  get(index: NodeIndex): TreeNode | undefined {
    const page = this.#page(index);
    const start = offset(index);
    const flags = page?.getUint8(start + at.content) ?? 0;
    if (page === undefined || flags === 0) return undefined;
    const publicKey = copy(page, start, 32) as PublicKey;
    if (flags === content.parent)
      return { kind: 'parent', publicKey, unmergedLeaves: this.unmergedLeaves(index) };
    return {
      kind: 'leaf',
      publicKey,
      role: rolesByRank[flags & 3]!,
      epoch: page.getFloat64(start + at.epoch),
      addedBy:
        (flags & content.added) === 0
          ? undefined
          : {
              leaf: page.getUint32(start + at.adderLeaf) as LeafIndex,
              epoch: page.getFloat64(start + at.adderEpoch),
            },
      device: (flags & content.device) !== 0,
      expiresAtMs: (flags & content.pending) === 0 ? undefined : page.getFloat64(start + at.expiry),
    };
  }

  isBlank(index: NodeIndex): boolean {
    return (this.#page(index)?.getUint8(offset(index) + at.content) ?? 0) === 0;
  }

  /** Whether a node with this key stands there. */
  hasKey(index: NodeIndex, key: PublicKey): boolean {
    const page = this.#page(index);
    const start = offset(index);
    if (page === undefined || page.getUint8(start + at.content) === 0) return false;
    for (let i = 0; i < 32; i++) if (page.getUint8(start + i) !== key[i]) return false;
    return true;
  }

  /** The hash of the key of a non-blank node, for `KeyIndex`. */
  keyHash(index: NodeIndex, seed: number): number {
    return hashKeyAt(this.#page(index)!, offset(index), seed);
  }

  unmergedLeaves(index: NodeIndex): readonly LeafIndex[] {
    return this.#unmerged.get(index) ?? [];
  }

  /** Replaces the node; its summary and hash are the caller's to renew. */
  put(index: NodeIndex, node: TreeNode | undefined): void {
    this.#unmerged.delete(index);
    if (node === undefined) {
      this.#page(index)?.setUint8(offset(index) + at.content, 0);
      return;
    }
    const page = this.#ensurePage(index);
    const start = offset(index);
    new Uint8Array(page.buffer, start, 32).set(node.publicKey);
    if (node.kind === 'leaf') putLeaf(page, start, node);
    else {
      page.setUint8(start + at.content, content.parent);
      if (node.unmergedLeaves.length > 0) this.#unmerged.set(index, node.unmergedLeaves);
    }
  }

  summary(index: NodeIndex): Summary {
    const page = this.#page(index);
    if (page === undefined) return empty;
    return {
      occupiedLeaves: page.getUint32(offset(index) + at.occupied),
      earliestExpiryMs: page.getFloat64(offset(index) + at.expiry),
    };
  }

  occupiedLeaves(index: NodeIndex): number {
    return this.#page(index)?.getUint32(offset(index) + at.occupied) ?? 0;
  }

  putSummary(index: NodeIndex, summary: Summary): void {
    const page = summary.occupiedLeaves === 0 ? this.#page(index) : this.#ensurePage(index);
    page?.setUint32(offset(index) + at.occupied, summary.occupiedLeaves);
    page?.setFloat64(offset(index) + at.expiry, summary.earliestExpiryMs);
  }

  /** A copy of the hash kept for the node, if one is known. */
  hash(index: NodeIndex): Uint8Array | undefined {
    const page = this.#page(index);
    if (page === undefined || page.getUint8(offset(index) + at.hashKnown) === 0) return undefined;
    return copy(page, offset(index) + at.hash, treeHashBytes);
  }

  putHash(index: NodeIndex, hash: Uint8Array): void {
    const page = this.#ensurePage(index);
    new Uint8Array(page.buffer, offset(index) + at.hash, treeHashBytes).set(hash);
    page.setUint8(offset(index) + at.hashKnown, 1);
  }

  forgetHash(index: NodeIndex): void {
    this.#page(index)?.setUint8(offset(index) + at.hashKnown, 0);
  }

  /** Lets go of pages that hold only places from `count` on. */
  shrink(count: number): void {
    const kept = Math.ceil(count / pageNodes);
    if (kept < this.#pages.length) this.#pages.length = kept;
  }

  #page(index: NodeIndex): DataView | undefined {
    return this.#pages[index >>> pageShift];
  }

  #ensurePage(index: NodeIndex): DataView {
    const number = index >>> pageShift;
    const known = this.#pages[number];
    if (known !== undefined) return known;
    const page = new DataView(new ArrayBuffer(pageNodes * recordBytes));
    for (let i = 0; i < pageNodes; i++) page.setFloat64(i * recordBytes + at.expiry, empty.earliestExpiryMs);
    // Filled up rather than left with holes, which would turn a large array into a slow dictionary.
    while (this.#pages.length <= number) this.#pages.push(undefined);
    this.#pages[number] = page;
    return page;
  }
}

function putLeaf(page: DataView, start: number, leaf: LeafNode): void {
  page.setUint8(
    start + at.content,
    content.leaf |
      rank(leaf.role) |
      (leaf.device ? content.device : 0) |
      (leaf.addedBy === undefined ? 0 : content.added) |
      (leaf.expiresAtMs === undefined ? 0 : content.pending),
  );
  page.setFloat64(start + at.epoch, leaf.epoch);
  page.setUint32(start + at.adderLeaf, leaf.addedBy?.leaf ?? 0);
  page.setFloat64(start + at.adderEpoch, leaf.addedBy?.epoch ?? 0);
  page.setFloat64(start + at.expiry, leaf.expiresAtMs ?? empty.earliestExpiryMs);
}

function offset(index: NodeIndex): number {
  return (index & (pageNodes - 1)) * recordBytes;
}

function copy(page: DataView, start: number, length: number): Uint8Array {
  return new Uint8Array(page.buffer, start, length).slice();
}
