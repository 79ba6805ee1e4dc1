/** How far a move of attachments is, in the database: each of them counts once it was read back from where it belongs. */
import type { Transaction } from 'kysely';
import type { Store } from '@conclave/platform';
import type { ServerDatabase } from '../schema/server-database.ts';
import type { BlobPlace, MoveProblem } from './move-tables.ts';

export interface AttachmentRow {
  readonly storage_key: string;
  readonly size: number;
  readonly sha256: Uint8Array;
}

export interface BlobMoveStatus {
  readonly engine: BlobPlace;
  readonly previous: BlobPlace | null;
  readonly isEncrypted: boolean;
  /** Null while no move was asked for. */
  readonly begunAtMs: number | null;
  readonly finishedAtMs: number | null;
  readonly total: Amount;
  /** Read back from where they belong, with their size and SHA-256. */
  readonly verified: Amount;
  readonly problems: number;
  /** Twenty of them at most. */
  readonly someProblems: readonly { readonly storageKey: string; readonly problem: MoveProblem }[];
}

export interface Amount {
  readonly attachments: number;
  readonly bytes: number;
}

type Db = Pick<Transaction<ServerDatabase>, 'selectFrom'>;

/** @param sealed whether attachments are to be encrypted at rest. */
export async function readMoveStatus(store: Store<ServerDatabase>, sealed: boolean): Promise<BlobMoveStatus> {
  const { db } = store;
  const place = await db.selectFrom('attachment_place').selectAll().executeTakeFirstOrThrow();
  const total = await db
    .selectFrom('sealed_blobs')
    .select((eb) => [
      eb.fn.countAll<number | string>().as('count'),
      eb.fn.sum<number | string | null>('size').as('bytes'),
    ])
    .executeTakeFirstOrThrow();
  const verified = await db
    .selectFrom('sealed_blobs')
    .innerJoin('moved_attachments', 'moved_attachments.storage_key', 'sealed_blobs.storage_key')
    .select((eb) => [
      eb.fn.countAll<number | string>().as('count'),
      eb.fn.sum<number | string | null>('size').as('bytes'),
    ])
    .where('problem', 'is', null)
    .where('sealed', '>=', sealed ? 1 : 0)
    .executeTakeFirstOrThrow();
  const problems = () =>
    db
      .selectFrom('sealed_blobs')
      .innerJoin('moved_attachments', 'moved_attachments.storage_key', 'sealed_blobs.storage_key')
      .where('problem', 'is not', null);
  const some = await problems()
    .select(['moved_attachments.storage_key', 'problem'])
    .orderBy('moved_attachments.storage_key')
    .limit(20)
    .execute();
  const { count } = await problems()
    .select((eb) => eb.fn.countAll<number | string>().as('count'))
    .executeTakeFirstOrThrow();
  return {
    engine: place.engine,
    previous: place.previous,
    isEncrypted: sealed,
    begunAtMs: place.begun_at_ms,
    finishedAtMs: place.finished_at_ms,
    total: amountOf(total),
    verified: amountOf(verified),
    problems: Number(count),
    someProblems: some.map((row) => ({ storageKey: row.storage_key, problem: row.problem! })),
  };
}

/** What was found to be missing or damaged is looked at again; what was verified is not. */
export async function beginMove(
  store: Store<ServerDatabase>,
  concurrency: number,
  nowMs: number,
): Promise<void> {
  await store.write(async (trx) => {
    await trx.deleteFrom('moved_attachments').where('problem', 'is not', null).execute();
    await trx
      .updateTable('attachment_place')
      .set((eb) => ({
        concurrency,
        begun_at_ms: eb.fn.coalesce('begun_at_ms', eb.val(nowMs)),
        finished_at_ms: null,
      }))
      .execute();
  });
}

/** The concurrency of a move that was begun and has not finished. */
export async function readRunningMove(store: Store<ServerDatabase>): Promise<number | undefined> {
  const place = await store.db
    .selectFrom('attachment_place')
    .select(['concurrency', 'finished_at_ms'])
    .executeTakeFirst();
  return place === undefined || place.finished_at_ms !== null ? undefined : (place.concurrency ?? undefined);
}

/** False when there is one that is neither verified nor a problem: an upload, or a deletion that was undone, was faster. */
export async function finishMove(
  store: Store<ServerDatabase>,
  sealed: boolean,
  nowMs: number,
): Promise<boolean> {
  return await store.write(async (trx) => {
    if ((await countUnmoved(trx, sealed)) > 0) return false;
    await trx
      .deleteFrom('moved_attachments')
      .where('storage_key', 'not in', (eb) => eb.selectFrom('sealed_blobs').select('storage_key'))
      .execute();
    await trx.updateTable('attachment_place').set({ finished_at_ms: nowMs }).execute();
    return true;
  });
}

/** In the order of their keys. */
export async function findUnmoved(
  store: Store<ServerDatabase>,
  sealed: boolean,
  after: string,
  limit: number,
): Promise<AttachmentRow[]> {
  return await unmoved(store.db, sealed)
    .select(['sealed_blobs.storage_key', 'sealed_blobs.size', 'sealed_blobs.sha256'])
    .where('sealed_blobs.storage_key', '>', after)
    .orderBy('sealed_blobs.storage_key')
    .limit(limit)
    .execute();
}

export async function countUnmoved(db: Db, sealed: boolean): Promise<number> {
  const { count } = await unmoved(db, sealed)
    .select((eb) => eb.fn.countAll<number | string>().as('count'))
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** False when the attachment was deleted meanwhile. */
export async function recordMoved(
  store: Store<ServerDatabase>,
  storageKey: string,
  outcome: { readonly sealed: number; readonly problem: MoveProblem | null },
): Promise<boolean> {
  return await store.write(async (trx) => {
    const row = await trx
      .selectFrom('sealed_blobs')
      .select('size')
      .where('storage_key', '=', storageKey)
      .executeTakeFirst();
    if (row === undefined) return false;
    await trx
      .insertInto('moved_attachments')
      .values({ storage_key: storageKey, ...outcome })
      .onConflict((conflict) => conflict.column('storage_key').doUpdateSet(outcome))
      .execute();
    return true;
  });
}

/** Neither verified as they are to be, nor known to be lost. */
function unmoved(db: Db, sealed: boolean) {
  return db
    .selectFrom('sealed_blobs')
    .leftJoin('moved_attachments', 'moved_attachments.storage_key', 'sealed_blobs.storage_key')
    .where((eb) =>
      eb.or([
        eb('moved_attachments.storage_key', 'is', null),
        eb.and([
          eb('moved_attachments.problem', 'is', null),
          eb('moved_attachments.sealed', '<', sealed ? 1 : 0),
        ]),
      ]),
    );
}

function amountOf({ count, bytes }: { count: number | string; bytes: number | string | null }): Amount {
  return { attachments: Number(count), bytes: Number(bytes ?? 0) };
}
