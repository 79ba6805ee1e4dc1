/**
 * A group as the tree rules see it, with a model of who knows which secret: secrets are numbers, "sealing" gives a number
 * to whoever knows a recipient's, and everybody who ever was in the group keeps what it learnt and goes on reading every
 * frame. Against this the tests hold the invariant of docs/sealed-groups.md §3.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import type { Result } from '../../src/result.ts';
import type { PublicKey } from '../../src/signature/keys.ts';
import type {
  CommitInput,
  CommitPlan,
  GroupMode,
  InstanceKey,
  LeafIndex,
  NodeIndex,
  ParseKey,
  Role,
  TreeChanges,
  TreeOperation,
} from '../../src/tree/index.ts';
import {
  instanceKey,
  isLeaf,
  isPending,
  isUnder,
  leafAt,
  leafNode,
  planCommit,
  PublicTree,
  suggestFills,
} from '../../src/tree/index.ts';

export const dayMs = 24 * 60 * 60 * 1000;

/** Tree rules never look inside a key, so any 32 bytes will do here. */
export function fakeKey(number: number): PublicKey {
  return sha256(new Uint8Array(new Float64Array([number]).buffer)) as PublicKey;
}

export const trustKey: ParseKey = (bytes) => Uint8Array.from(bytes) as PublicKey;

export const openMode: GroupMode = { leafProof: true, minWriter: 'member', ownDevices: true };

export function unwrap<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`broke ${result.rule}: ${result.detail ?? ''}`);
  return result.value;
}

export class GroupModel {
  #keys = 0;
  #secrets = 0;
  readonly tree: PublicTree;
  epoch = 0;
  nowMs = 1_700_000_000_000;
  mode: GroupMode;
  readonly secretByNode = new Map<NodeIndex, number>();
  /** By instance, for everybody who ever was in the group. */
  readonly knownBy = new Map<InstanceKey, Set<number>>();

  constructor(mode: GroupMode = openMode) {
    this.mode = mode;
    this.tree = PublicTree.create(this.newKey());
    const secret = this.#secrets++;
    this.secretByNode.set(0 as NodeIndex, secret);
    this.knownBy.set(this.person(0 as LeafIndex), new Set([secret]));
  }

  newKey(): PublicKey {
    return fakeKey(this.#keys++);
  }

  add(role: Role = 'member', more: { device?: boolean; expiresInMs?: number } = {}): TreeOperation {
    return {
      kind: 'add',
      leafKey: this.newKey(),
      role,
      expiresAtMs: this.nowMs + (more.expiresInMs ?? dayMs),
      device: more.device ?? false,
    };
  }

  input(
    committer: number,
    operations: readonly TreeOperation[] = [],
    fills: readonly number[] = [],
  ): CommitInput {
    return { committer, operations, fills, newEpoch: this.epoch + 1, nowMs: this.nowMs, mode: this.mode };
  }

  plan(
    committer: number,
    operations: readonly TreeOperation[] = [],
    fills: readonly number[] = [],
  ): Result<CommitPlan> {
    return planCommit(this.tree, this.input(committer, operations, fills));
  }

  /** The broken rule, or 'ok'. */
  verdict(
    committer: number,
    operations: readonly TreeOperation[] = [],
    fills: readonly number[] = [],
  ): string {
    const plan = this.plan(committer, operations, fills);
    return plan.ok ? 'ok' : plan.rule;
  }

  /** Commits; throws if a rule is broken. */
  commit(
    committer: number,
    operations: readonly TreeOperation[] = [],
    fills: readonly number[] = [],
  ): CommitPlan {
    const plan = unwrap(this.plan(committer, operations, fills));
    this.carryOut(plan);
    return plan;
  }

  /** Commits with the fills that an inviter should use. */
  commitFilled(committer: number, operations: readonly TreeOperation[]): CommitPlan {
    return this.commit(
      committer,
      operations,
      unwrap(suggestFills(this.tree, this.input(committer, operations))),
    );
  }

  /** Adds leaves and lets each make its first commit; returns their places. */
  join(committer: number, ...roles: Role[]): LeafIndex[] {
    const plan = this.commit(
      committer,
      roles.map((role) => this.add(role)),
    );
    for (const { leaf } of plan.added) this.commit(leaf);
    return plan.added.map(({ leaf }) => leaf);
  }

  /** Returns what changed. */
  carryOut(plan: CommitPlan): TreeChanges {
    const committer = this.person(plan.committer);
    this.epoch += 1;
    this.mode = plan.newMode;
    unwrap(plan.draft.setKey(leafNode(plan.committer), this.newKey()));
    for (const { node } of plan.seals) unwrap(plan.draft.setKey(node, this.newKey()));
    const changes = plan.draft.changes();
    this.tree.apply(changes);
    for (const [index, node] of changes.nodes) if (node === undefined) this.secretByNode.delete(index);

    for (const { leaf } of plan.added) {
      const secret = this.#secrets++;
      this.secretByNode.set(leafNode(leaf), secret);
      this.knownBy.set(this.person(leaf), new Set([secret]));
      this.knownBy.get(committer)!.add(secret);
    }
    const own = this.#secrets++;
    this.secretByNode.set(leafNode(plan.committer), own);
    this.knownBy.get(committer)!.add(own);
    for (const { node, recipients } of plan.seals) {
      const secret = this.#secrets++;
      const opens = recipients.map((recipient) => this.secretByNode.get(recipient)!);
      for (const known of this.knownBy.values()) if (opens.some((key) => known.has(key))) known.add(secret);
      this.knownBy.get(committer)!.add(secret);
      this.secretByNode.set(node, secret);
    }
    return changes;
  }

  person(leaf: LeafIndex): InstanceKey {
    return instanceKey({ leaf, epoch: this.tree.leaf(leaf)!.epoch });
  }

  leaves(): LeafIndex[] {
    return [...this.tree.nodes()].filter(([index]) => isLeaf(index)).map(([index]) => leafAt(index));
  }

  joined(): LeafIndex[] {
    return this.leaves().filter((leaf) => !isPending(this.tree.leaf(leaf)!));
  }

  /** §3: the members under the node that are not unmerged, and the inviters of the pending ones among them. */
  whoShouldKnow(node: NodeIndex): Set<InstanceKey> {
    const should = new Set<InstanceKey>();
    const unmerged = this.tree.unmergedLeaves(node);
    for (const leaf of this.leaves()) {
      if (!isUnder(leafNode(leaf), node) || unmerged.includes(leaf)) continue;
      should.add(this.person(leaf));
      const { addedBy, expiresAtMs } = this.tree.leaf(leaf)!;
      if (expiresAtMs !== undefined && addedBy !== undefined) should.add(instanceKey(addedBy));
    }
    return should;
  }

  whoKnows(node: NodeIndex): Set<InstanceKey> {
    const secret = this.secretByNode.get(node)!;
    return new Set([...this.knownBy].filter(([, known]) => known.has(secret)).map(([person]) => person));
  }
}
