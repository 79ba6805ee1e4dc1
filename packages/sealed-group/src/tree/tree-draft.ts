/**
 * A tree as a commit would leave it: a copy-on-write view over a `TreeReader` that is never written to. `planCommit` shapes
 * it; then the committer (or whoever checks the commit) puts in the new keys with `setKey`, reads recipients' keys and the
 * tree hash, and hands `changes()` to `PublicTree.apply` once everything else verified.
 *
 * While a node waits for its key it counts as non-blank; `hash` and `changes` are not to be had until none waits.
 */
import { maxLeafCount } from '../wire/limits.ts';
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import type { PublicKey } from '../signature/keys.ts';
import { encodeNode } from './node-codec.ts';
import { blankHash, leafHash, parentHash } from './node-hash.ts';
import { RoleCensus } from './role-census.ts';
import type { LeafIndex, NodeIndex } from './tree-math.ts';
import { isLeaf, leafAt, leafNode, left, level, nodeCount, parent, right, root } from './tree-math.ts';
import { TreeMisuseError } from './tree-misuse.ts';
import type { Instance, LeafNode, TreeNode } from './tree-node.ts';
import { isPendingOf, isSameInstance, keyText } from './tree-node.ts';
import type { RoleCounts, TreeReader } from './tree-reader.ts';

/** What one commit changes; a node that maps to undefined became blank. Places outside the new tree are blank. */
export interface TreeChanges {
  readonly leafCount: number;
  readonly nodes: ReadonlyMap<NodeIndex, TreeNode | undefined>;
  /**
   * Every node with a change in it or under it, and what is true there afterwards: what a store has to write, so that it
   * can show any leaf's path without knowing the rest of the tree.
   */
  readonly subtrees: ReadonlyMap<NodeIndex, Subtree>;
}

/** A node together with the hash of all that stands under it. */
export interface Subtree {
  /** Undefined: blank. */
  readonly node: TreeNode | undefined;
  /** Undefined: no leaf stands under the node, or its place is outside the tree. */
  readonly hash: Uint8Array | undefined;
}

export class TreeDraft implements TreeReader {
  readonly #base: TreeReader;
  readonly #baseNodeCount: number;
  #leafCount: number;
  readonly #nodes = new Map<NodeIndex, TreeNode | undefined>();
  readonly #occupied = new Map<NodeIndex, number>();
  /** Keys that this draft brought in, by `keyText`. */
  readonly #nodeByNewKey = new Map<string, NodeIndex>();
  readonly #awaiting = new Set<NodeIndex>();
  readonly #census: RoleCensus;
  /** Hashes of changed nodes and their ancestors; thrown away by any change. */
  #hashes: Map<NodeIndex, Uint8Array | undefined> | undefined;

  constructor(base: TreeReader) {
    this.#base = base;
    this.#baseNodeCount = nodeCount(base.leafCount);
    this.#leafCount = base.leafCount;
    this.#census = new RoleCensus(base.roleCounts());
  }

  get leafCount(): number {
    return this.#leafCount;
  }

  /** A sealed node is undefined, and the committer's leaf has its old key, until `setKey`. */
  node(index: NodeIndex): TreeNode | undefined {
    if (index >= nodeCount(this.#leafCount)) return undefined;
    return this.#nodes.has(index) ? this.#nodes.get(index) : this.#base.node(index);
  }

  leaf(index: LeafIndex): LeafNode | undefined {
    const node = this.node(leafNode(index));
    return node?.kind === 'leaf' ? node : undefined;
  }

  isBlank(index: NodeIndex): boolean {
    if (this.#awaiting.has(index)) return false;
    if (index >= nodeCount(this.#leafCount)) return true;
    return this.#nodes.has(index) ? this.#nodes.get(index) === undefined : this.#base.isBlank(index);
  }

  unmergedLeaves(index: NodeIndex): readonly LeafIndex[] {
    const node = this.node(index);
    return node?.kind === 'parent' ? node.unmergedLeaves : [];
  }

  occupiedLeaves(index: NodeIndex): number {
    return this.#occupied.get(index) ?? (index < this.#baseNodeCount ? this.#base.occupiedLeaves(index) : 0);
  }

  roleCounts(): RoleCounts {
    return this.#census.counts();
  }

  nodeWithKey(publicKey: PublicKey): NodeIndex | undefined {
    const index = this.#nodeByNewKey.get(keyText(publicKey)) ?? this.#base.nodeWithKey(publicKey);
    if (index === undefined) return undefined;
    const node = this.node(index);
    return node !== undefined && keyText(node.publicKey) === keyText(publicKey) ? index : undefined;
  }

  pendingLeavesAddedBy(adder: Instance): readonly LeafIndex[] {
    return this.#withChanges(this.#base.pendingLeavesAddedBy(adder), (leaf) => isPendingOf(leaf, adder));
  }

  deviceLeavesAddedBy(adder: Instance): readonly LeafIndex[] {
    return this.#withChanges(this.#base.deviceLeavesAddedBy(adder), (leaf) => isDeviceOf(leaf, adder));
  }

  hash(index: NodeIndex): Uint8Array {
    this.#demandKeys();
    this.#hashes ??= this.#changedSubtrees();
    return this.#hashOf(index, this.#hashes);
  }

  treeHash(): Uint8Array {
    return this.hash(root(this.#leafCount));
  }

  /** The difference to the tree below. */
  changes(): TreeChanges {
    this.#demandKeys();
    const nodes = new Map<NodeIndex, TreeNode | undefined>();
    for (const [index, node] of this.#nodes)
      if (node !== undefined || !this.#baseIsBlank(index)) nodes.set(index, node);
    return { leafCount: this.#leafCount, nodes, subtrees: this.#subtrees() };
  }

  #subtrees(): Map<NodeIndex, Subtree> {
    const subtrees = new Map<NodeIndex, Subtree>();
    this.treeHash();
    for (const index of this.#hashes!.keys()) {
      const isEmpty = this.occupiedLeaves(index) === 0;
      subtrees.set(index, { node: this.node(index), hash: isEmpty ? undefined : this.hash(index) });
    }
    // What was cut off: it counts as blank should the tree grow again.
    for (const index of this.#occupied.keys())
      if (index >= nodeCount(this.#leafCount)) subtrees.set(index, { node: undefined, hash: undefined });
    // The roots that were, down to the one that is: nothing under them need have changed, what they are above is gone.
    for (let leaves = this.#base.leafCount; leaves > this.#leafCount; leaves /= 2)
      subtrees.set(root(leaves), { node: undefined, hash: undefined });
    return subtrees;
  }

  // Shaping, for `planCommit`.

  /** Another value for a leaf that stays, under the same key. */
  changeLeaf(index: LeafIndex, node: LeafNode): void {
    this.#census.change(this.leaf(index), node);
    this.#put(leafNode(index), node);
  }

  /** Blanks these non-blank leaves (ascending) and everything above them, then cuts empty right halves off (RFC 9420 §7.8). */
  removeLeaves(leaves: readonly LeafIndex[]): void {
    let gone = new Map<NodeIndex, number>();
    for (const leaf of leaves) {
      this.#census.change(this.leaf(leaf), undefined);
      gone.set(leafNode(leaf), 1);
    }
    // Level by level, so that many removals share the work on common ancestors.
    for (let height = level(root(this.#leafCount)); gone.size > 0; height--) {
      const above = new Map<NodeIndex, number>();
      for (const [node, count] of gone) {
        this.#occupied.set(node, this.occupiedLeaves(node) - count);
        this.#blank(node);
        if (height > 0) above.set(parent(node), (above.get(parent(node)) ?? 0) + count);
      }
      gone = above;
    }
    while (this.#leafCount > 1 && this.occupiedLeaves(right(root(this.#leafCount))) === 0)
      this.#leafCount /= 2;
  }

  /**
   * Puts new leaves on the leftmost blank places, doubling the tree when it is full, and notes them as unmerged in every
   * non-blank ancestor (RFC 9420 §7.7). Refused, with the draft half done, if a key is not new or the tree would outgrow
   * 2^20 places.
   */
  addLeaves(leaves: readonly LeafNode[]): Result<LeafIndex[]> {
    const places: LeafIndex[] = [];
    const unmergedByNode = new Map<NodeIndex, LeafIndex[]>();
    for (const leaf of leaves) {
      if (this.occupiedLeaves(root(this.#leafCount)) === this.#leafCount && !this.#extend())
        return violation('tree/leaf-limit');
      if (!this.isNewKey(leaf.publicKey)) return violation('tree/unique-key', `add ${places.length}`);
      const place = this.#leftmostBlank();
      places.push(place);
      this.#census.change(undefined, leaf);
      this.#put(leafNode(place), leaf);
      this.#nodeByNewKey.set(keyText(leaf.publicKey), leafNode(place));
      const top = root(this.#leafCount);
      for (let at = leafNode(place); ; at = parent(at)) {
        this.#occupied.set(at, this.occupiedLeaves(at) + 1);
        if (!isLeaf(at) && !this.isBlank(at)) pushTo(unmergedByNode, at, place);
        if (at === top) break;
      }
    }
    for (const [index, added] of unmergedByNode) {
      const node = this.node(index);
      if (node?.kind === 'parent')
        this.#put(index, {
          ...node,
          unmergedLeaves: [...node.unmergedLeaves, ...added].sort((a, b) => a - b),
        });
    }
    return accept(places);
  }

  /** Says that the node will get a new key; a parent forgets its old key and its unmerged leaves at once. */
  awaitKey(index: NodeIndex): void {
    if (!isLeaf(index)) this.#blank(index);
    this.#awaiting.add(index);
    this.#hashes = undefined;
  }

  /** Whether the key stands nowhere in the tree below and was not brought in by this draft: new keys must be new. */
  isNewKey(publicKey: PublicKey): boolean {
    return !this.#nodeByNewKey.has(keyText(publicKey)) && this.#base.nodeWithKey(publicKey) === undefined;
  }

  // Keys, for whoever builds or checks the commit.

  /** Gives its new key to a node that the plan said gets one: the committer's leaf or a sealed node. */
  setKey(index: NodeIndex, publicKey: PublicKey): Result<undefined> {
    if (!this.#awaiting.has(index)) throw new TreeMisuseError('this node gets no new key in this commit');
    if (!this.isNewKey(publicKey)) return violation('tree/unique-key', `node ${index}`);
    const node = this.node(index);
    this.#awaiting.delete(index);
    this.#put(
      index,
      node?.kind === 'leaf' ? { ...node, publicKey } : { kind: 'parent', publicKey, unmergedLeaves: [] },
    );
    this.#nodeByNewKey.set(keyText(publicKey), index);
    return accept(undefined);
  }

  #blank(index: NodeIndex): void {
    if (!this.isBlank(index)) this.#put(index, undefined);
  }

  #put(index: NodeIndex, node: TreeNode | undefined): void {
    this.#nodes.set(index, node);
    this.#hashes = undefined;
  }

  #baseIsBlank(index: NodeIndex): boolean {
    return index >= this.#baseNodeCount || this.#base.isBlank(index);
  }

  #extend(): boolean {
    if (this.#leafCount === maxLeafCount) return false;
    const before = this.occupiedLeaves(root(this.#leafCount));
    this.#leafCount *= 2;
    this.#occupied.set(root(this.#leafCount), before);
    return true;
  }

  #leftmostBlank(): LeafIndex {
    let at = root(this.#leafCount);
    while (!isLeaf(at)) {
      const low = left(at);
      at = this.occupiedLeaves(low) < 1 << level(low) ? low : right(at);
    }
    return leafAt(at);
  }

  /** The base's leaves of some kind as they are in this draft, ascending. */
  #withChanges(leaves: readonly LeafIndex[], isOfKind: (leaf: LeafNode) => boolean): LeafIndex[] {
    const found = new Set(leaves);
    for (const [index, after] of this.#nodes) {
      if (!isLeaf(index)) continue;
      if (after?.kind === 'leaf' && isOfKind(after)) found.add(leafAt(index));
      else found.delete(leafAt(index));
    }
    return [...found].sort((a, b) => a - b);
  }

  #demandKeys(): void {
    if (this.#awaiting.size > 0)
      throw new TreeMisuseError(`${this.#awaiting.size} nodes still wait for their new key`);
  }

  /** Every node whose hash may differ from the base's, without its hash yet. */
  #changedSubtrees(): Map<NodeIndex, Uint8Array | undefined> {
    const changed = new Map<NodeIndex, Uint8Array | undefined>();
    const top = root(this.#leafCount);
    const mark = (start: NodeIndex): void => {
      for (let at = start; !changed.has(at); at = parent(at)) {
        changed.set(at, undefined);
        if (at === top) break;
      }
    };
    for (const index of this.#nodes.keys()) if (index < nodeCount(this.#leafCount)) mark(index);
    return changed;
  }

  #hashOf(index: NodeIndex, hashes: Map<NodeIndex, Uint8Array | undefined>): Uint8Array {
    if (!hashes.has(index))
      return index < this.#baseNodeCount ? this.#base.hash(index) : blankHash(level(index));
    const known = hashes.get(index);
    if (known !== undefined) return known;
    const hash = this.#computeHash(index, hashes);
    hashes.set(index, hash);
    return hash;
  }

  #computeHash(index: NodeIndex, hashes: Map<NodeIndex, Uint8Array | undefined>): Uint8Array {
    if (this.occupiedLeaves(index) === 0) return blankHash(level(index));
    const node = this.node(index);
    const content = node === undefined ? undefined : encodeNode(node);
    if (isLeaf(index)) return leafHash(index, content ?? new Uint8Array(0));
    return parentHash(index, content, this.#hashOf(left(index), hashes), this.#hashOf(right(index), hashes));
  }
}

function isDeviceOf(leaf: LeafNode, adder: Instance): boolean {
  return leaf.device && leaf.addedBy !== undefined && isSameInstance(leaf.addedBy, adder);
}

function pushTo(lists: Map<NodeIndex, LeafIndex[]>, key: NodeIndex, value: LeafIndex): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
