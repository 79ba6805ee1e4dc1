/**
 * The queries of sealed groups. Everything that must agree changes in one unit (`insertGroup`, `takeSeq`,
 * `advanceRows`); which frame wins is decided by the update of the group's row, in every process alike.
 */
import { sql, type Transaction } from 'kysely';
import type { Store } from '@conclave/platform';
import { encodeNode } from '@conclave/sealed-group';
import type {
  BudgetAccount,
  CommitEffect,
  EpochReservation,
  Instance,
  LeafIndex,
  OutstandingLeave,
  ParsedFrame,
  TreeChanges,
} from '@conclave/sealed-group';
import type { ServerDatabase } from '../schema/server-database.ts';
import { decodeReservation, encodeGroupState, encodeReservation } from './group-state.ts';
import type { GroupState } from './group-state.ts';
import { plainBytes } from './plain-bytes.ts';

export type GroupTransaction = Transaction<ServerDatabase>;

/** What is read with every request. */
export interface GroupRow {
  readonly epoch: number;
  readonly lastSeq: number;
  readonly state: string;
  readonly reservation: EpochReservation | undefined;
}

export interface StoredFrame {
  readonly seq: number;
  readonly epoch: number;
  readonly frame: Uint8Array;
}

export type GroupRows = ReturnType<typeof createGroupRows>;

export function createGroupRows(store: Store<ServerDatabase>) {
  const { db } = store;
  return {
    async findGroup(groupId: string): Promise<GroupRow | undefined> {
      const row = await db
        .selectFrom('sealed_groups')
        .select(['epoch', 'last_seq', 'state', 'reservation'])
        .where('group_id', '=', groupId)
        .executeTakeFirst();
      if (row === undefined) return undefined;
      const { epoch, last_seq: lastSeq, state, reservation } = row;
      return { epoch, lastSeq, state, reservation: decodeReservation(reservation) };
    },

    async findFrame(groupId: string, bodyHash: Uint8Array): Promise<StoredFrame | undefined> {
      return await db
        .selectFrom('sealed_frames')
        .select(['seq', 'epoch', 'frame'])
        .where('group_id', '=', groupId)
        .where('body_hash', '=', bodyHash)
        .executeTakeFirst();
    },

    /** The group's epoch once the frame with this number was in the log. */
    async epochAfter(groupId: string, seq: number): Promise<number> {
      const { epoch } = await db
        .selectFrom('sealed_epochs')
        .select((eb) => eb.fn.max('epoch').as('epoch'))
        .where('group_id', '=', groupId)
        .where('seq', '<=', seq)
        .executeTakeFirstOrThrow();
      return epoch;
    },

    /**
     * Frames after `afterSeq`, ascending: at most `limit`, together at most `maxBytes` unless the first alone is larger.
     * Sizes are read first, so that no more than that is ever in memory.
     */
    async listFrames(
      groupId: string,
      afterSeq: number,
      limit: number,
      maxBytes: number,
    ): Promise<StoredFrame[]> {
      const sizes = await db
        .selectFrom('sealed_frames')
        .select(['seq', sql<number>`length(frame)`.as('size')])
        .where('group_id', '=', groupId)
        .where('seq', '>', afterSeq)
        .orderBy('seq')
        .limit(limit)
        .execute();
      let bytes = 0;
      const end = sizes.findIndex(({ size }) => (bytes += size) > maxBytes);
      const last = end < 0 ? sizes.at(-1) : sizes[Math.max(0, end - 1)];
      if (last === undefined) return [];
      return await db
        .selectFrom('sealed_frames')
        .select(['seq', 'epoch', 'frame'])
        .where('group_id', '=', groupId)
        .where('seq', '>', afterSeq)
        .where('seq', '<=', last.seq)
        .orderBy('seq')
        .execute();
    },

    async findEpoch(
      groupId: string,
      epoch: number,
    ): Promise<{ leafCount: number; madeAtMs: number } | undefined> {
      const row = await db
        .selectFrom('sealed_epochs')
        .select(['leaf_count', 'made_at_ms'])
        .where('group_id', '=', groupId)
        .where('epoch', '=', epoch)
        .executeTakeFirst();
      return row && { leafCount: row.leaf_count, madeAtMs: row.made_at_ms };
    },

    /** Contents of the nodes as they were in `epoch`, blank ones left out. */
    async listNodes(groupId: string, epoch: number): Promise<{ node: number; content: Uint8Array }[]> {
      const rows = await db
        .selectFrom('sealed_nodes as newest')
        .select(['newest.node', 'newest.content'])
        .where('newest.group_id', '=', groupId)
        .where('newest.content', 'is not', null)
        .where('newest.epoch', '=', (eb) =>
          eb
            .selectFrom('sealed_nodes as version')
            .select((select) => select.fn.max('version.epoch').as('epoch'))
            .where('version.group_id', '=', groupId)
            .whereRef('version.node', '=', 'newest.node')
            .where('version.epoch', '<=', epoch),
        )
        .execute();
      return rows.flatMap(({ node, content }) =>
        content === null ? [] : [{ node, content: plainBytes(content) }],
      );
    },

    async listLeaves(groupId: string): Promise<OutstandingLeave[]> {
      const rows = await db
        .selectFrom('sealed_leaves')
        .select(['leaf', 'leaf_epoch', 'signature'])
        .where('group_id', '=', groupId)
        .orderBy('leaf')
        .execute();
      return rows.map(({ leaf, leaf_epoch: leafEpoch, signature }) => ({
        leaf: leaf as LeafIndex,
        leafEpoch,
        signature: plainBytes(signature),
      }));
    },

    async findBudget(groupId: string, charged: Instance): Promise<BudgetAccount | undefined> {
      const row = await db
        .selectFrom('sealed_budgets')
        .select(['wait_until_ms', 'next_wait_ms', 'reserved_at_ms'])
        .where('group_id', '=', groupId)
        .where('leaf', '=', charged.leaf)
        .where('leaf_epoch', '=', charged.epoch)
        .executeTakeFirst();
      return (
        row && {
          waitUntilMs: row.wait_until_ms,
          nextWaitMs: row.next_wait_ms,
          reservedAtMs: row.reserved_at_ms ?? undefined,
        }
      );
    },
  };
}

export async function countGroupsOf(trx: GroupTransaction, creator: string): Promise<number> {
  const { count } = await trx
    .selectFrom('sealed_groups')
    .select((eb) => eb.fn.countAll<number | string>().as('count'))
    .where('creator', '=', creator)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** The first rows of a group. False: the id is taken, and nothing was written. */
export async function insertGroup(
  trx: GroupTransaction,
  group: {
    readonly groupId: string;
    readonly creator: string;
    readonly state: GroupState;
    readonly changes: TreeChanges;
    readonly treeHash: Uint8Array;
    readonly nowMs: number;
  },
): Promise<boolean> {
  const inserted = await trx
    .insertInto('sealed_groups')
    .values({
      group_id: group.groupId,
      creator: group.creator,
      created_at_ms: group.nowMs,
      epoch: 0,
      last_seq: 1,
      state: encodeGroupState(group.state),
      reservation: null,
      blob_bytes: 0,
    })
    .onConflict((conflict) => conflict.column('group_id').doNothing())
    .executeTakeFirst();
  if (inserted.numInsertedOrUpdatedRows !== 1n) return false;
  await insertEpoch(trx, group.groupId, { ...group, epoch: 0, seq: 1 });
  return true;
}

/**
 * Gives the next sequence number to a frame that changes nothing else. Undefined: the group is no longer in `epoch`, and
 * nothing was written.
 */
export async function takeSeq(
  trx: GroupTransaction,
  groupId: string,
  epoch: number,
): Promise<number | undefined> {
  const row = await trx
    .updateTable('sealed_groups')
    .set((eb) => ({ last_seq: eb('last_seq', '+', 1) }))
    .where('group_id', '=', groupId)
    .where('epoch', '=', epoch)
    .returning('last_seq')
    .executeTakeFirst();
  return row?.last_seq;
}

/** Moves the group's rows to the epoch of a verified commit. Undefined: another commit came first, and nothing was written. */
export async function advanceRows(
  trx: GroupTransaction,
  groupId: string,
  effect: CommitEffect,
  state: GroupState,
  nowMs: number,
): Promise<number | undefined> {
  const row = await trx
    .updateTable('sealed_groups')
    .set((eb) => ({
      last_seq: eb('last_seq', '+', 1),
      epoch: effect.epoch,
      state: encodeGroupState(state),
      reservation: null,
    }))
    .where('group_id', '=', groupId)
    .where('epoch', '=', effect.epoch - 1)
    .returning('last_seq')
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { epoch, changes, treeHash } = effect;
  await insertEpoch(trx, groupId, { epoch, changes, treeHash, seq: row.last_seq, nowMs });
  const { removed, committer } = effect.plan;
  for (const leaves of chunksOf([...removed, committer])) {
    await trx
      .deleteFrom('sealed_leaves')
      .where('group_id', '=', groupId)
      .where('leaf', 'in', leaves)
      .execute();
  }
  for (const leaves of chunksOf(removed)) {
    await trx
      .deleteFrom('sealed_budgets')
      .where('group_id', '=', groupId)
      .where('leaf', 'in', leaves)
      .execute();
  }
  return row.last_seq;
}

export async function insertFrame(
  trx: GroupTransaction,
  groupId: string,
  frame: ParsedFrame,
  at: { readonly seq: number; readonly nowMs: number },
): Promise<void> {
  await trx
    .insertInto('sealed_frames')
    .values({
      group_id: groupId,
      seq: at.seq,
      kind: frame.content.kind,
      epoch: frame.header.epoch,
      body_hash: frame.bodyHash,
      frame: frame.bytes,
      accepted_at_ms: at.nowMs,
    })
    .execute();
}

export async function upsertLeave(
  trx: GroupTransaction,
  groupId: string,
  leave: OutstandingLeave,
): Promise<void> {
  const { leaf, leafEpoch, signature } = leave;
  await trx
    .insertInto('sealed_leaves')
    .values({ group_id: groupId, leaf, leaf_epoch: leafEpoch, signature })
    .onConflict((conflict) =>
      conflict.columns(['group_id', 'leaf']).doUpdateSet({ leaf_epoch: leafEpoch, signature }),
    )
    .execute();
}

export async function upsertBudget(
  trx: GroupTransaction,
  groupId: string,
  charged: Instance,
  account: BudgetAccount,
): Promise<void> {
  const columns = {
    wait_until_ms: account.waitUntilMs,
    next_wait_ms: account.nextWaitMs,
    reserved_at_ms: account.reservedAtMs ?? null,
  };
  await trx
    .insertInto('sealed_budgets')
    .values({ group_id: groupId, leaf: charged.leaf, leaf_epoch: charged.epoch, ...columns })
    .onConflict((conflict) => conflict.columns(['group_id', 'leaf', 'leaf_epoch']).doUpdateSet(columns))
    .execute();
}

/** Reserves `reservation.epoch`, if the group is still in it. */
export async function storeReservation(
  trx: GroupTransaction,
  groupId: string,
  reservation: EpochReservation,
): Promise<void> {
  await trx
    .updateTable('sealed_groups')
    .set({ reservation: encodeReservation(reservation) })
    .where('group_id', '=', groupId)
    .where('epoch', '=', reservation.epoch)
    .execute();
}

/**
 * SQLite takes 32,766 parameters in a statement, PostgreSQL 65,535; a node's row has four. A removal cascades to any number
 * of pending leaves, so nothing here may grow with it.
 */
const rowsPerStatement = 4_000;

function* chunksOf<T>(items: readonly T[]): Generator<T[]> {
  for (let start = 0; start < items.length; start += rowsPerStatement) {
    yield items.slice(start, start + rowsPerStatement);
  }
}

async function insertEpoch(
  trx: GroupTransaction,
  groupId: string,
  made: {
    readonly epoch: number;
    readonly changes: TreeChanges;
    readonly treeHash: Uint8Array;
    readonly seq: number;
    readonly nowMs: number;
  },
): Promise<void> {
  await trx
    .insertInto('sealed_epochs')
    .values({
      group_id: groupId,
      epoch: made.epoch,
      leaf_count: made.changes.leafCount,
      tree_hash: made.treeHash,
      seq: made.seq,
      made_at_ms: made.nowMs,
    })
    .execute();
  const nodes = [...made.changes.nodes].map(([node, content]) => ({
    group_id: groupId,
    node,
    epoch: made.epoch,
    content: content === undefined ? null : encodeNode(content),
  }));
  for (const chunk of chunksOf(nodes)) await trx.insertInto('sealed_nodes').values(chunk).execute();
}
