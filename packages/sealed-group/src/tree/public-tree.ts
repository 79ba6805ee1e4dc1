/**
 * The public tree of a group, whole and in memory: the delivery service and every member hold one. It changes only by
 * `apply`, after everything about a commit verified; hashes and indices are then renewed along the changed paths alone, so
 * that a commit costs the same in a group of a million as its path is long.
 */
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import type { PublicKey } from '../signature/keys.ts';
import { KeyIndex } from './key-index.ts';
import { encodeNode } from './node-codec.ts';
import { blankHash, leafHash, parentHash } from './node-hash.ts';
import type { Summary } from './node-store.ts';
import { NodeStore } from './node-store.ts';
import { RoleCensus } from './role-census.ts';
import type { TreeChanges } from './tree-draft.ts';
import type { LeafIndex, NodeIndex } from './tree-math.ts';
import {
  isLeaf,
  isLeafCount,
  leafAt,
  leafNode,
  left,
  level,
  nodeCount,
  parent,
  right,
  root,
  toNodeIndex,
} from './tree-math.ts';
import { TreeMisuseError } from './tree-misuse.ts';
import type { Instance, InstanceKey, LeafNode, TreeNode } from './tree-node.ts';
import { instanceKey, isPending } from './tree-node.ts';
import type { RoleCounts, TreeReader } from './tree-reader.ts';
import { checkStructure } from './tree-structure.ts';

/** A tree that is being put together again. Nodes come in ascending order by index; what is left out is blank and over nothing. */
export interface TreeRestoration {
  /** What stands at the index, and the hash of its subtree. Refused: the order, the place or the key cannot be. */
  put(index: number, node: TreeNode | undefined, hash: Uint8Array): Result<void>;
  /** Once; refused unless the root was given with the hash that the tree is known to have. */
  finish(treeHash: Uint8Array): Result<PublicTree>;
}

export class PublicTree implements TreeReader {
  #leafCount: number;
  readonly #store = new NodeStore();
  readonly #nodeByKey: KeyIndex;
  readonly #pendingByAdder = new Map<InstanceKey, Set<LeafIndex>>();
  readonly #devicesByAdder = new Map<InstanceKey, Set<LeafIndex>>();
  readonly #census = new RoleCensus();

  /** `expectedNodes`: how many keys to make room for; it grows by itself. */
  private constructor(leafCount: number, expectedNodes = 0) {
    this.#leafCount = leafCount;
    this.#nodeByKey = new KeyIndex(this.#store, expectedNodes);
  }

  /** The tree of a new group: the creator's leaf alone, a joined owner. */
  static create(publicKey: PublicKey): PublicTree {
    const tree = new PublicTree(1);
    const owner: LeafNode = {
      kind: 'leaf',
      publicKey,
      role: 'owner',
      epoch: 0,
      addedBy: undefined,
      device: false,
      expiresAtMs: undefined,
    };
    tree.#enter(root(1), owner);
    tree.#renewAll();
    return tree;
  }

  /** A tree from its non-blank nodes, which need not be trusted: every invariant is checked. */
  static fromNodes(leafCount: number, nodes: Iterable<readonly [number, TreeNode]>): Result<PublicTree> {
    if (!isLeafCount(leafCount)) return violation('tree/leaf-count');
    const tree = new PublicTree(leafCount);
    for (const [place, node] of nodes) {
      const index = toNodeIndex(place, leafCount);
      if (index === undefined || isLeaf(index) !== (node.kind === 'leaf') || !tree.isBlank(index))
        return violation('tree/node-place', `node ${place}`);
      if (tree.nodeWithKey(node.publicKey) !== undefined)
        return violation('tree/unique-key', `node ${place}`);
      tree.#enter(index, node);
    }
    tree.#renewAll();
    const broken = checkStructure(tree);
    return broken ?? accept(tree);
  }

  /**
   * Puts a tree together again from what a trusted store kept of it, in as many steps as the caller likes. Invariants are not
   * proven anew and nothing is hashed.
   */
  static restore(leafCount: number): Result<TreeRestoration> {
    if (!isLeafCount(leafCount)) return violation('tree/leaf-count');
    const tree = new PublicTree(leafCount, nodeCount(leafCount));
    const top = root(leafCount);
    let next = 0;
    /** Summaries of all subtrees that end before `index`. */
    const passTo = (index: number): void => {
      for (; next < index; next++) {
        if (!isLeaf(next as NodeIndex)) continue;
        let at = next as NodeIndex;
        tree.#store.putSummary(at, tree.#summarise(at));
        while (at !== top && at > parent(at)) {
          at = parent(at);
          tree.#store.putSummary(at, tree.#summarise(at));
        }
      }
    };
    return accept({
      put(index, node, hash) {
        const place = toNodeIndex(index, leafCount);
        if (place === undefined || index < next) return violation('tree/node-place', `node ${index}`);
        passTo(index);
        if (node !== undefined) {
          if (isLeaf(place) !== (node.kind === 'leaf')) return violation('tree/node-place', `node ${index}`);
          if (tree.nodeWithKey(node.publicKey) !== undefined)
            return violation('tree/unique-key', `node ${index}`);
          tree.#enter(place, node);
        }
        tree.#store.putHash(place, hash);
        return accept(undefined);
      },
      finish(treeHash) {
        passTo(nodeCount(leafCount));
        const kept = tree.#store.hash(top);
        if (kept === undefined || kept.some((byte, i) => byte !== treeHash[i]))
          return violation('tree/path-hash', 'the root');
        return tree.roleCounts().joined.owner === 0 ? violation('tree/ownerless') : accept(tree);
      },
    });
  }

  get leafCount(): number {
    return this.#leafCount;
  }

  /** Every non-blank node, ascending. */
  *nodes(): Generator<[NodeIndex, TreeNode]> {
    for (let i = 0; i < nodeCount(this.#leafCount); i++) {
      const node = this.#store.get(i as NodeIndex);
      if (node !== undefined) yield [i as NodeIndex, node];
    }
  }

  node(index: NodeIndex): TreeNode | undefined {
    return this.#store.get(index);
  }

  leaf(index: LeafIndex): LeafNode | undefined {
    const node = this.#store.get(leafNode(index));
    return node?.kind === 'leaf' ? node : undefined;
  }

  isBlank(index: NodeIndex): boolean {
    return this.#store.isBlank(index);
  }

  unmergedLeaves(index: NodeIndex): readonly LeafIndex[] {
    return this.#store.unmergedLeaves(index);
  }

  occupiedLeaves(index: NodeIndex): number {
    return index < nodeCount(this.#leafCount) ? this.#store.occupiedLeaves(index) : 0;
  }

  roleCounts(): RoleCounts {
    return this.#census.counts();
  }

  nodeWithKey(publicKey: PublicKey): NodeIndex | undefined {
    return this.#nodeByKey.find(publicKey);
  }

  pendingLeavesAddedBy(adder: Instance): readonly LeafIndex[] {
    return ascending(this.#pendingByAdder.get(instanceKey(adder)));
  }

  deviceLeavesAddedBy(adder: Instance): readonly LeafIndex[] {
    return ascending(this.#devicesByAdder.get(instanceKey(adder)));
  }

  /** The first `limit` leaves by index that are pending and expired; touches no part of the tree that has none. */
  expiredLeaves(nowMs: number, limit: number): LeafIndex[] {
    const found: LeafIndex[] = [];
    const visit = (index: NodeIndex): void => {
      if (found.length >= limit || !(this.#store.summary(index).earliestExpiryMs <= nowMs)) return;
      if (isLeaf(index)) {
        found.push(leafAt(index));
        return;
      }
      visit(left(index));
      visit(right(index));
    };
    visit(root(this.#leafCount));
    return found;
  }

  hash(index: NodeIndex): Uint8Array {
    if (this.occupiedLeaves(index) === 0) return blankHash(level(index)).slice();
    const known = this.#store.hash(index);
    if (known !== undefined) return known;
    const node = this.#store.get(index);
    const content = node === undefined ? undefined : encodeNode(node);
    const hash = isLeaf(index)
      ? leafHash(index, content ?? new Uint8Array(0))
      : parentHash(index, content, this.hash(left(index)), this.hash(right(index)));
    this.#store.putHash(index, hash);
    return hash;
  }

  treeHash(): Uint8Array {
    return this.hash(root(this.#leafCount));
  }

  /** Makes the changes of a verified commit. They come from a draft over this very tree, else the tree is spoilt. */
  apply(changes: TreeChanges): void {
    if (!isLeafCount(changes.leafCount)) throw new TreeMisuseError('changes come from a TreeDraft');
    const largest = Math.max(this.#leafCount, changes.leafCount);
    const changed: NodeIndex[] = [];
    for (const index of changes.nodes.keys()) {
      this.#leave(index);
      changed.push(index);
    }
    for (const [index, node] of changes.nodes) this.#enter(index, node);
    this.#leafCount = changes.leafCount;
    this.#renew(changed, root(largest));
    for (const [index, { hash }] of changes.subtrees)
      if (hash !== undefined) this.#store.putHash(index, hash);
    this.#store.shrink(nodeCount(this.#leafCount));
  }

  #leave(index: NodeIndex): void {
    const node = this.#store.get(index);
    if (node === undefined) return;
    this.#nodeByKey.remove(index);
    if (node.kind === 'leaf') this.#count(leafAt(index), node, -1);
    this.#store.put(index, undefined);
  }

  #enter(index: NodeIndex, node: TreeNode | undefined): void {
    if (node === undefined) return;
    if (node.kind === 'leaf') this.#count(leafAt(index), node, 1);
    this.#store.put(index, node);
    this.#nodeByKey.add(index);
  }

  #count(index: LeafIndex, leaf: LeafNode, by: 1 | -1): void {
    if (by === 1) this.#census.change(undefined, leaf);
    else this.#census.change(leaf, undefined);
    if (leaf.addedBy === undefined) return;
    const adder = instanceKey(leaf.addedBy);
    if (leaf.device) enterOrLeave(this.#devicesByAdder, adder, index, by);
    if (isPending(leaf)) enterOrLeave(this.#pendingByAdder, adder, index, by);
  }

  /** Renews summaries of the nodes and everything above them, level by level up to `top`, and forgets their hashes. */
  #renew(changed: readonly NodeIndex[], top: NodeIndex): void {
    const byLevel: Set<NodeIndex>[] = Array.from({ length: level(top) + 2 }, () => new Set());
    for (const index of changed) byLevel[level(index)]!.add(index);
    for (let height = 0; height <= level(top); height++) {
      for (const index of byLevel[height]!) {
        this.#store.putSummary(index, this.#summarise(index));
        this.#store.forgetHash(index);
        if (index !== top) byLevel[height + 1]!.add(parent(index));
      }
    }
  }

  #renewAll(): void {
    for (let height = 0; height <= level(root(this.#leafCount)); height++) {
      const step = 2 ** (height + 1);
      for (let index = 2 ** height - 1; index < nodeCount(this.#leafCount); index += step)
        this.#store.putSummary(index as NodeIndex, this.#summarise(index as NodeIndex));
    }
  }

  #summarise(index: NodeIndex): Summary {
    if (isLeaf(index)) {
      const leaf = this.leaf(leafAt(index));
      return {
        occupiedLeaves: leaf === undefined ? 0 : 1,
        earliestExpiryMs: leaf?.expiresAtMs ?? Number.POSITIVE_INFINITY,
      };
    }
    const low = this.#store.summary(left(index));
    const high = this.#store.summary(right(index));
    return {
      occupiedLeaves: low.occupiedLeaves + high.occupiedLeaves,
      earliestExpiryMs: Math.min(low.earliestExpiryMs, high.earliestExpiryMs),
    };
  }
}

/** Drops empty sets, so that maps do not remember adders without leaves. */
function enterOrLeave(
  leavesByAdder: Map<InstanceKey, Set<LeafIndex>>,
  adder: InstanceKey,
  leaf: LeafIndex,
  by: 1 | -1,
): void {
  const leaves = leavesByAdder.get(adder) ?? new Set();
  if (by === 1) leaves.add(leaf);
  else leaves.delete(leaf);
  if (leaves.size > 0) leavesByAdder.set(adder, leaves);
  else leavesByAdder.delete(adder);
}

function ascending(leaves: ReadonlySet<LeafIndex> | undefined): LeafIndex[] {
  return [...(leaves ?? [])].sort((a, b) => a - b);
}
