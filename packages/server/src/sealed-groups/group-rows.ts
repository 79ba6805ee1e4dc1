/**
 * The queries of sealed groups. Everything that must agree changes in one unit (`insertGroup`, `takeSeq`,
 * `advanceRows`); which frame wins is decided by the update of the group's row, in every process alike.
 */
import { sql, type Transaction } from 'kysely';
import type { Store } from '@conclave/platform';
import { root } from '@conclave/sealed-group';
import type {
  BudgetAccount,
  CommitEffect,
  EpochReservation,
  Instance,
  LeafIndex,
  OutstandingLeave,
  ParsedFrame,
  PublicGroup,
  PublicTree,
} from '@conclave/sealed-group';
import type { ServerDatabase } from '../schema/server-database.ts';
import { decodeReservation, encodeGroupState, encodeReservation } from './group-state.ts';
import type { GroupState } from './group-state.ts';
import { JudgedTooEarly } from './judged-too-early.ts';
import { plainBytes } from './plain-bytes.ts';
import { insertEpoch } from './tree-rows.ts';
import type { SealedGroupsTable } from './sealed-group-tables.ts';

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

/** How a frame is found by its body, of which the time is part. */
interface BodyInGroup {
  readonly groupId: string;
  readonly sentAtMs: number;
  readonly bodyHash: Uint8Array;
}

export type GroupRows = ReturnType<typeof createGroupRows>;

export function createGroupRows(store: Store<ServerDatabase>) {
  const { db } = store;
  const findGroup = store.prepare((query, value: { readonly groupId: string }) =>
    query
      .selectFrom('sealed_groups')
      .select(['epoch', 'last_seq', 'state', 'reservation'])
      .where('group_id', '=', value.groupId),
  );
  const findFrame = store.prepare((query, value: BodyInGroup) =>
    query
      .selectFrom('sealed_frames')
      .select(['seq', 'epoch', 'frame'])
      .where('group_id', '=', value.groupId)
      .where('sent_at_ms', '=', value.sentAtMs)
      .where('body_hash', '=', value.bodyHash),
  );
  return {
    async findGroup(groupId: string): Promise<GroupRow | undefined> {
      return toGroupRow(await findGroup.read({ groupId }));
    },

    /** The same for each of `groupIds`. */
    async findGroups(groupIds: readonly string[]): Promise<(GroupRow | undefined)[]> {
      return (await findGroup.readEach(groupIds.map((groupId) => ({ groupId })))).map(toGroupRow);
    },

    /** The stored frame of the group with the body of `frame`. */
    async findFrame(groupId: string, frame: ParsedFrame): Promise<StoredFrame | undefined> {
      return (await findFrame.read(bodyIn(groupId, frame)))[0];
    },

    /** The same for each of `wanted`, in its order. */
    async findFrames(
      wanted: readonly { readonly groupId: string; readonly frame: ParsedFrame }[],
    ): Promise<(StoredFrame | undefined)[]> {
      const bodies = wanted.map(({ groupId, frame }) => bodyIn(groupId, frame));
      return (await findFrame.readEach(bodies)).map(([frame]) => frame);
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

function toGroupRow([row]: readonly Pick<
  SealedGroupsTable,
  'epoch' | 'last_seq' | 'state' | 'reservation'
>[]): GroupRow | undefined {
  if (row === undefined) return undefined;
  const { epoch, last_seq: lastSeq, state, reservation } = row;
  return { epoch, lastSeq, state, reservation: decodeReservation(reservation) };
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
    readonly tree: PublicTree;
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
      state: encodeGroupState({ ...group.state, epochMadeAtMs: group.nowMs }),
      reservation: null,
      oldest_epoch: 0,
      collected_epoch: 0,
      collected_node: 0,
      oldest_superseded_at_ms: null,
      blob_bytes: 0,
    })
    .onConflict((conflict) => conflict.column('group_id').doNothing())
    .executeTakeFirst();
  if (inserted.numInsertedOrUpdatedRows !== 1n) return false;
  const { leafCount } = group.tree;
  const treeHash = group.tree.treeHash();
  await insertEpoch(trx, group.groupId, {
    epoch: 0,
    seq: 1,
    madeAtMs: group.nowMs,
    leafCount,
    treeHash,
    // A group begins with one leaf, which is its root.
    subtrees: new Map([[root(leafCount), { node: group.tree.node(root(leafCount)), hash: treeHash }]]),
  });
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

/**
 * Moves the group's rows to the epoch of a verified commit. Undefined: another commit came first, or the next epoch was reserved
 * since `judgedBy` was read, and nothing was written. Throws {@link JudgedTooEarly} if the leaves are others than it was judged by.
 */
export async function advanceRows(
  trx: GroupTransaction,
  groupId: string,
  effect: CommitEffect,
  state: GroupState,
  nowMs: number,
  judgedBy: Pick<GroupRow, 'reservation'> & Pick<PublicGroup, 'outstandingLeaves'>,
): Promise<number | undefined> {
  const row = await trx
    .updateTable('sealed_groups')
    .set((eb) => ({
      last_seq: eb('last_seq', '+', 1),
      epoch: effect.epoch,
      state: encodeGroupState({ ...state, epochMadeAtMs: nowMs }),
      reservation: null,
      oldest_superseded_at_ms: eb.fn.coalesce('oldest_superseded_at_ms', eb.val(nowMs)),
    }))
    .where('group_id', '=', groupId)
    .where('epoch', '=', effect.epoch - 1)
    .where('reservation', 'is not distinct from', reservationColumn(judgedBy))
    .returning('last_seq')
    .executeTakeFirst();
  if (row === undefined) return undefined;
  if (!(await hasLeaves(trx, groupId, judgedBy.outstandingLeaves))) throw new JudgedTooEarly();
  const { epoch, treeHash } = effect;
  const { leafCount, subtrees } = effect.changes;
  await insertEpoch(trx, groupId, {
    epoch,
    seq: row.last_seq,
    madeAtMs: nowMs,
    leafCount,
    treeHash,
    subtrees,
  });
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

function bodyIn(groupId: string, { header, bodyHash }: ParsedFrame): BodyInGroup {
  return { groupId, sentAtMs: header.nowMs, bodyHash };
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
      sent_at_ms: frame.header.nowMs,
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

/** Reserves `reservation.epoch`. False, and nothing written: the group is no longer in it, or somebody else has reserved it. */
export async function storeReservation(
  trx: GroupTransaction,
  groupId: string,
  reservation: EpochReservation,
  judgedBy: Pick<GroupRow, 'reservation'>,
): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('sealed_groups')
    .set({ reservation: encodeReservation(reservation) })
    .where('group_id', '=', groupId)
    .where('epoch', '=', reservation.epoch)
    .where('reservation', 'is not distinct from', reservationColumn(judgedBy))
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

function reservationColumn({ reservation }: Pick<GroupRow, 'reservation'>): string | null {
  return reservation === undefined ? null : encodeReservation(reservation);
}

/**
 * Whether the group's leaves are still those that a frame was judged by. To be asked when the unit has changed the group's row: who
 * posts a leave changes it too, in whatever process, and has to wait then.
 */
export async function hasLeaves(
  trx: GroupTransaction,
  groupId: string,
  judgedBy: readonly OutstandingLeave[],
): Promise<boolean> {
  const rows = await trx
    .selectFrom('sealed_leaves')
    .select(['leaf', 'leaf_epoch'])
    .where('group_id', '=', groupId)
    .execute();
  const epochByLeaf = new Map<number, number>(rows.map((row) => [row.leaf, row.leaf_epoch]));
  return (
    rows.length === judgedBy.length &&
    judgedBy.every(({ leaf, leafEpoch }) => epochByLeaf.get(leaf) === leafEpoch)
  );
}

/**
 * SQLite takes 32,766 parameters in a statement, PostgreSQL 65,535. A removal cascades to any number of pending leaves, so
 * nothing here may grow with it.
 */
const rowsPerStatement = 4_000;

function* chunksOf<T>(items: readonly T[]): Generator<T[]> {
  for (let start = 0; start < items.length; start += rowsPerStatement) {
    yield items.slice(start, start + rowsPerStatement);
  }
}
