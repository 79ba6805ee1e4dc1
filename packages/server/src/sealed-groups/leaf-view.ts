/**
 * As much of a group's tree as one leaf's openings are made of, read from the rows node by node: the leaf's path with the hashes
 * beside it, and what sealed nodes of a commit resolve to. It begins in one epoch and moves on by what each commit changed, so
 * that a commit costs one query and, in a dense group, a few rows, whatever the number of members.
 */
import {
  blankHash,
  decodeNode,
  isLeaf,
  leafNode,
  left,
  level,
  nodesOfPath,
  right,
  sealedNodesFor,
  toLeafIndex,
} from '@conclave/sealed-group';
import type {
  CommitFrame,
  LeafIndex,
  LeafNode,
  NodeIndex,
  OpeningTree,
  PublicKey,
  StoredSubtree,
  TreeNode,
} from '@conclave/sealed-group';
import { DamagedGroupError, requireEpoch } from './stored-tree.ts';
import type { TreeRows } from './tree-rows.ts';

interface Known {
  readonly node: TreeNode | undefined;
  /** Undefined: no leaf stands under it. */
  readonly hash: Uint8Array | undefined;
}

export class LeafView implements OpeningTree {
  readonly #trees: TreeRows;
  readonly #groupId: string;
  readonly #leaf: number;
  /** As they are in `epoch`. */
  readonly #known = new Map<number, Known>();
  #epoch: number;
  #leafCount: number;

  private constructor(trees: TreeRows, groupId: string, leaf: number, epoch: number, leafCount: number) {
    this.#trees = trees;
    this.#groupId = groupId;
    this.#leaf = leaf;
    this.#epoch = epoch;
    this.#leafCount = leafCount;
  }

  /** Throws as `requireEpoch`. */
  static async open(trees: TreeRows, groupId: string, leaf: number, epoch: number): Promise<LeafView> {
    const { leafCount } = await requireEpoch(trees, groupId, epoch);
    const view = new LeafView(trees, groupId, leaf, epoch, leafCount);
    await view.#readPath();
    return view;
  }

  get leafCount(): number {
    return this.#leafCount;
  }

  /** Into the next epoch. */
  async advance(): Promise<void> {
    this.#epoch += 1;
    const { leafCount } = await requireEpoch(this.#trees, this.#groupId, this.#epoch);
    this.#leafCount = leafCount;
    for (const { node, ...subtree } of await this.#trees.changedIn(this.#groupId, this.#epoch)) {
      this.#known.set(node, decode(node, subtree));
    }
    await this.#readPath();
  }

  /** Reads what the leaf's rows of the commit that made this epoch need. */
  async readRecipients(frame: CommitFrame): Promise<void> {
    for (const at of sealedNodesFor(this.#leafCount, frame, this.#leaf as LeafIndex)) {
      const { node, handles } = frame.content.sealed[at]!;
      await this.#readResolution(node as NodeIndex, handles.length);
    }
  }

  node(index: NodeIndex): TreeNode | undefined {
    return this.#at(index).node;
  }

  leaf(index: LeafIndex): LeafNode | undefined {
    if (toLeafIndex(index, this.#leafCount) === undefined) return undefined;
    const { node } = this.#at(leafNode(index));
    return node?.kind === 'leaf' ? node : undefined;
  }

  hash(index: NodeIndex): Uint8Array {
    return this.#at(index).hash ?? blankHash(level(index));
  }

  isBlank(index: NodeIndex): boolean {
    return this.#at(index).node === undefined;
  }

  unmergedLeaves(index: NodeIndex): readonly LeafIndex[] {
    const { node } = this.#at(index);
    return node?.kind === 'parent' ? node.unmergedLeaves : [];
  }

  /** 1 for any number of them. */
  occupiedLeaves(index: NodeIndex): number {
    return this.#at(index).hash === undefined ? 0 : 1;
  }

  async #readPath(): Promise<void> {
    const index = toLeafIndex(this.#leaf, this.#leafCount);
    if (index === undefined) return;
    for (const node of nodesOfPath(this.#leafCount, index)) await this.#read(node);
  }

  /** What is below the node, down to the first keys: as many as the commit has recipients there, or the rows are damaged. */
  async #readResolution(node: NodeIndex, recipients: number): Promise<void> {
    const waiting = [left(node), right(node)];
    let found = 0;
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      const { node: content, hash } = await this.#read(at);
      if (hash === undefined) continue;
      if (content !== undefined) found += 1 + this.unmergedLeaves(at).length;
      else if (!isLeaf(at)) waiting.push(left(at), right(at));
      if (found > recipients) throw new DamagedGroupError();
    }
  }

  async #read(index: NodeIndex): Promise<Known> {
    const known = this.#known.get(index);
    if (known !== undefined) return known;
    const read = decode(index, await this.#trees.subtree(this.#groupId, this.#epoch, index));
    this.#known.set(index, read);
    return read;
  }

  #at(index: NodeIndex): Known {
    const known = this.#known.get(index);
    if (known === undefined) throw new RangeError(`node ${index} was not read`);
    return known;
  }
}

function decode(index: number, subtree: StoredSubtree | undefined): Known {
  const { content, hash } = subtree ?? {};
  if (content === undefined) return { node: undefined, hash };
  const decoded = decodeNode(index as NodeIndex, content, trustedKey);
  if (!decoded.ok) throw new DamagedGroupError();
  return { node: decoded.value, hash };
}

/** Keys in our rows were points when they were written. */
function trustedKey(bytes: Uint8Array): PublicKey {
  return Uint8Array.from(bytes) as PublicKey;
}
