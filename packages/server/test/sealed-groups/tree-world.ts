/** A database of its own and a group in it that random commits change: their rows are real, their keys are random bytes. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore, silentLog } from '@conclave/platform';
import type { Store } from '@conclave/platform';

import type { ManualClock } from '@conclave/platform/testing';
import {
  administers,
  encodeTree,
  isPending,
  leafNode,
  planCommit,
  PublicTree,
  suggestFills,
} from '@conclave/sealed-group';
import type {
  CommitEffect,
  LeafIndex,
  PublicKey,
  Role,
  TreeChanges,
  TreeOperation,
} from '@conclave/sealed-group';
import fc from 'fast-check';
import type { ServerDatabase } from '../../src/schema/server-database.ts';
import { serverMigrations } from '../../src/schema/server-migrations.ts';
import { advanceRows, insertGroup } from '../../src/sealed-groups/group-rows.ts';
import type { GroupState } from '../../src/sealed-groups/group-state.ts';

export const dayMs = 24 * 60 * 60 * 1000;

export interface TreeStore extends AsyncDisposable {
  readonly store: Store<ServerDatabase>;
  readonly file: string;
  /** Closes the database and opens it again with all migrations. */
  reopen(): Promise<Store<ServerDatabase>>;
}

/** `migrations`: how many the database has seen, for one from an older release. */
export async function openTreeStore(
  clock: ManualClock,
  migrations: number = serverMigrations.migrations.length,
): Promise<TreeStore> {
  const folder = await mkdtemp(join(tmpdir(), 'conclave-trees-'));
  const file = join(folder, 'conclave.db');
  const open = (count: number) =>
    openSqliteStore<ServerDatabase>({
      file,
      clock,
      log: silentLog,
      migrations: [{ ...serverMigrations, migrations: serverMigrations.migrations.slice(0, count) }],
    });
  let store = await open(migrations);
  return {
    get store() {
      return store;
    },
    file,
    async reopen() {
      await store.close();
      store = await open(serverMigrations.migrations.length);
      return store;
    },
    async [Symbol.asyncDispose]() {
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** One drawn commit. */
export interface Draw {
  readonly committer: number;
  readonly adds: number;
  readonly removes: readonly number[];
  readonly fills: boolean;
  readonly waitMs: number;
}

export const draws: fc.Arbitrary<Draw[]> = fc.array(
  fc.record({
    committer: fc.nat(1000),
    adds: fc.oneof(fc.constant(0), fc.nat(3), fc.nat(20)),
    removes: fc.oneof(fc.constant([]), fc.array(fc.nat(1000), { maxLength: 16 })),
    fills: fc.boolean(),
    waitMs: fc.constantFrom(0, 1_000, dayMs, 9 * dayMs),
  }),
  { minLength: 4, maxLength: 30 },
);

const mode = { leafProof: true, minWriter: 'member', ownDevices: true } as const;

export const groupState: GroupState = {
  mode,
  transcript: new Uint8Array(32),
  confirmedTranscript: new Uint8Array(32),
  lastNowMs: 0,
  epochKeys: [],
  lastRemovalEpoch: 0,
  previousEpochGrace: false,
};

/** A tree that moves from epoch to epoch, and what it was in each of them. */
export class TreeHistory {
  readonly tree: PublicTree;
  readonly groupId: string;
  /** By epoch: the octets of the tree, and its leaves' number and hash. */
  readonly epochs: {
    readonly octets: Uint8Array;
    readonly treeHash: Uint8Array;
    readonly leafCount: number;
  }[] = [];
  #keys = 0;

  constructor(name = 'g') {
    this.groupId = createHash('sha256').update(name).digest().subarray(0, 16).toString('base64url');
    this.tree = PublicTree.create(this.newKey());
    this.#note();
  }

  get epoch(): number {
    return this.epochs.length - 1;
  }

  newKey(): PublicKey {
    return Uint8Array.from(
      createHash('sha256')
        .update(`${this.groupId}${this.#keys++}`)
        .digest(),
    ) as PublicKey;
  }

  async found(store: Store<ServerDatabase>, nowMs: number): Promise<void> {
    const { groupId, tree } = this;
    await store.write((trx) => insertGroup(trx, { groupId, creator: 'ada', state: groupState, tree, nowMs }));
  }

  /** The commit's changes; undefined if the rules allow none of it. The tree is that after it. */
  commit(draw: Draw, nowMs: number): Made | undefined {
    const leaves = this.#leaves();
    const committer = leaves[draw.committer % leaves.length]!;
    const { tree } = this;
    const isNew = isPending(tree.leaf(committer)!);
    const operations: TreeOperation[] = isNew ? [] : this.#operations(draw, committer, nowMs);
    const input = { committer, operations, fills: [], newEpoch: this.epoch + 1, nowMs, mode };
    const suggested = draw.fills && !isNew ? suggestFills(tree, input) : undefined;
    const plan = planCommit(tree, { ...input, fills: suggested?.ok === true ? suggested.value : [] });
    if (!plan.ok) return undefined;
    const { draft, seals, removed } = plan.value;
    for (const node of [leafNode(committer), ...seals.map((seal) => seal.node)]) {
      if (!draft.setKey(node, this.newKey()).ok) throw new Error('a key came twice');
    }
    const changes = draft.changes();
    tree.apply(changes);
    this.#note();
    return { changes, committer, removed };
  }

  /** Writes the commit as the server does. */
  async store(store: Store<ServerDatabase>, made: Made, nowMs: number): Promise<void> {
    const effect = {
      epoch: this.epoch,
      treeHash: this.epochs.at(-1)!.treeHash,
      changes: made.changes,
      plan: { removed: made.removed, committer: made.committer },
    } as unknown as CommitEffect;
    const judgedBy = { reservation: undefined, outstandingLeaves: [] };
    const seq = await store.write((trx) =>
      advanceRows(trx, this.groupId, effect, groupState, nowMs, judgedBy),
    );
    if (seq === undefined) throw new Error('the group is in another epoch');
  }

  /** Draws, commits and writes one after the other, as time goes by. */
  async play(store: Store<ServerDatabase>, clock: ManualClock, drawn: readonly Draw[]): Promise<void> {
    for (const draw of drawn) {
      await clock.advance(draw.waitMs);
      const made = this.commit(draw, clock.nowMs());
      if (made !== undefined) await this.store(store, made, clock.nowMs());
    }
  }

  #operations(draw: Draw, committer: LeafIndex, nowMs: number): TreeOperation[] {
    const { tree } = this;
    const { role } = tree.leaf(committer)!;
    if (!administers(role)) return [];
    const given: Role = role === 'owner' ? 'admin' : 'member';
    const targets = new Set(draw.removes.map((index) => index % tree.leafCount));
    const removes = [...targets].filter((leaf) => {
      const node = tree.leaf(leaf as LeafIndex);
      return leaf !== committer && node !== undefined && node.role !== 'owner';
    });
    return [
      ...removes.map((leaf) => ({ kind: 'remove', leaf, leaveSignature: undefined }) as const),
      ...Array.from({ length: draw.adds }, () => ({
        kind: 'add' as const,
        leafKey: this.newKey(),
        role: given,
        expiresAtMs: nowMs + 30 * dayMs,
        device: false,
      })),
    ];
  }

  #leaves(): LeafIndex[] {
    const all = Array.from({ length: this.tree.leafCount }, (_, index) => index as LeafIndex);
    return all.filter((leaf) => this.tree.leaf(leaf) !== undefined);
  }

  #note(): void {
    const { leafCount } = this.tree;
    this.epochs.push({ octets: encodeTree(this.tree), treeHash: this.tree.treeHash(), leafCount });
  }
}

export interface Made {
  readonly changes: TreeChanges;
  readonly committer: LeafIndex;
  readonly removed: readonly LeafIndex[];
}
