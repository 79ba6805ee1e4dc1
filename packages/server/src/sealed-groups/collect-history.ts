/**
 * Gives up trees that nobody may ask for any more: an epoch that was superseded longer ago than the retention, which is at
 * least the longest life of an invite (docs/sealed-groups.md §5.4, §8.1). Of every node only versions stay that some epoch
 * from the oldest kept one on is made of.
 *
 *   sealed_groups by oldest_superseded_at_ms ─▶ give up: oldest_epoch = h   (reads before h are refused from here on)
 *     ─▶ row by row of the epochs up to h, in units of a few hundred: the version that each superseded, away
 *     ─▶ the group's next date
 *
 * Each row supersedes at most one version, so a unit's work is bounded by the rows that it looks at; and each unit notes how far
 * it came, so that the next run, or the next process, goes on from there. Epochs' own rows stay: they say in which epoch
 * a frame was accepted, should it be posted again. Frames stay.
 */
import type { Clock, Store } from '@conclave/platform';
import { maxClockSkewMs } from '@conclave/sealed-group';
import { sql } from 'kysely';
import type { ServerDatabase } from '../schema/server-database.ts';
import type { GroupTransaction } from './group-rows.ts';

export interface CollectHistoryDeps {
  readonly store: Store<ServerDatabase>;
  readonly clock: Clock;
  readonly retentionMs: number;
  /** Rows looked at in one unit: bounds how long the writer is held. */
  readonly rowsPerUnit?: number;
  /** Units of one run: the rest waits for the next, so that stopping need not wait long. */
  readonly unitsPerRun?: number;
}

/** A place among a group's rows in the order of (epoch, node). */
interface Cursor {
  readonly epoch: number;
  readonly node: number;
}

interface DueGroup {
  readonly groupId: string;
  readonly horizon: number;
  readonly collected: Cursor;
}

/** The sender's clock may be that far ahead when the invite is made, and that far behind when it is used. */
const skewsMs = 2 * maxClockSkewMs;

/** Resolves with the number of versions that were deleted. */
export async function collectHistory(deps: CollectHistoryDeps): Promise<number> {
  const { store, rowsPerUnit = 256, unitsPerRun = 200 } = deps;
  const supersededBefore = deps.clock.nowMs() - deps.retentionMs - skewsMs;
  let deleted = 0;
  let units = 0;
  while (units < unitsPerRun) {
    const groupId = await findDue(store, supersededBefore);
    if (groupId === undefined) break;
    const due = await store.write((trx) => giveUp(trx, groupId, supersededBefore));
    units += 1;
    let cursor: Cursor | undefined = due.collected;
    while (cursor !== undefined && units < unitsPerRun) {
      const from: Cursor = cursor;
      const batch = await store.write((trx) => collectBatch(trx, due, from, rowsPerUnit));
      units += 1;
      deleted += batch.deleted;
      cursor = batch.next;
    }
  }
  return deleted;
}

/** The group that waits longest. */
async function findDue(store: Store<ServerDatabase>, supersededBefore: number): Promise<string | undefined> {
  const group = await store.db
    .selectFrom('sealed_groups')
    .select('group_id')
    .where('oldest_superseded_at_ms', '<=', supersededBefore)
    .orderBy('oldest_superseded_at_ms')
    .limit(1)
    .executeTakeFirst();
  return group?.group_id;
}

/** Moves the group's oldest epoch up to the newest that it may be. */
async function giveUp(trx: GroupTransaction, groupId: string, supersededBefore: number): Promise<DueGroup> {
  const group = await trx
    .selectFrom('sealed_groups')
    .select(['epoch', 'oldest_epoch', 'collected_epoch', 'collected_node'])
    .where('group_id', '=', groupId)
    .executeTakeFirstOrThrow();
  // An epoch is superseded when the next one is made.
  const young = await trx
    .selectFrom('sealed_epochs')
    .select('epoch')
    .where('group_id', '=', groupId)
    .where('epoch', '>', group.oldest_epoch)
    .where('made_at_ms', '>', supersededBefore)
    .orderBy('epoch')
    .limit(1)
    .executeTakeFirst();
  const horizon = Math.max(group.oldest_epoch, young === undefined ? group.epoch : young.epoch - 1);
  await trx
    .updateTable('sealed_groups')
    .set({ oldest_epoch: horizon })
    .where('group_id', '=', groupId)
    .execute();
  const collected = { epoch: group.collected_epoch, node: group.collected_node };
  return { groupId, horizon, collected };
}

/** Deletes what the next rows after `from` superseded; where there are none left the group is done. */
async function collectBatch(
  trx: GroupTransaction,
  { groupId, horizon }: DueGroup,
  from: Cursor,
  limit: number,
): Promise<{ readonly deleted: number; readonly next: Cursor | undefined }> {
  const rows = await trx
    .selectFrom('sealed_subtrees')
    .select(['epoch', 'node'])
    .where('group_id', '=', groupId)
    .where(sql<boolean>`(epoch, node) > (${from.epoch}, ${from.node})`)
    .where('epoch', '<=', horizon)
    .orderBy('epoch')
    .orderBy('node')
    .limit(limit)
    .execute();
  const last = rows.at(-1);
  if (last === undefined) {
    await finish(trx, groupId, horizon);
    return { deleted: 0, next: undefined };
  }
  const superseded = await sql`
    delete from sealed_subtrees where group_id = ${groupId} and (node, epoch) in (
      select newer.node, (
        select max(older.epoch) from sealed_subtrees as older
        where older.group_id = ${groupId} and older.node = newer.node and older.epoch < newer.epoch
      )
      from sealed_subtrees as newer
      where newer.group_id = ${groupId}
        and (newer.epoch, newer.node) > (${from.epoch}, ${from.node})
        and (newer.epoch, newer.node) <= (${last.epoch}, ${last.node})
    )`.execute(trx);
  // Blank and over nothing is what a node is without a row.
  const blank = await sql`
    delete from sealed_subtrees where group_id = ${groupId} and hash is null
      and (epoch, node) > (${from.epoch}, ${from.node})
      and (epoch, node) <= (${last.epoch}, ${last.node})`.execute(trx);
  await trx
    .updateTable('sealed_groups')
    .set({ collected_epoch: last.epoch, collected_node: last.node })
    .where('group_id', '=', groupId)
    .execute();
  const deleted = Number((superseded.numAffectedRows ?? 0n) + (blank.numAffectedRows ?? 0n));
  return { deleted, next: last };
}

async function finish(trx: GroupTransaction, groupId: string, horizon: number): Promise<void> {
  const next = await trx
    .selectFrom('sealed_epochs')
    .select('made_at_ms')
    .where('group_id', '=', groupId)
    .where('epoch', '=', horizon + 1)
    .executeTakeFirst();
  await trx
    .updateTable('sealed_groups')
    .set({ oldest_superseded_at_ms: next?.made_at_ms ?? null })
    .where('group_id', '=', groupId)
    .execute();
}
