/**
 * Encrypted attachments of groups. The row is the truth: octets without a row are invisible and swept later, so an upload
 * that is broken off at any moment leaves nothing that counts.
 *
 *   put:     proof ─▶ octets to a place of their own ─▶ size and hash as proven? ─▶ unit: quota, row
 *                      ▲ removed when the unit did nothing; not when nobody knows whether it did
 *   get:     row ─▶ octets, verified while they are sent
 *   delete:  unit: row, quota ─▶ octets
 *   sweep:   octets older than a day that no row names (sweep-orphans.ts)
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import {
  StoreError,
  type BlobReader,
  type BlobStore,
  type Clock,
  type RandomSource,
  type Store,
} from '@conclave/platform';
import { ApiError } from '../errors/api-error.ts';
import type { ServerDatabase } from '../schema/server-database.ts';
import { sweepOrphans } from './sweep-orphans.ts';
import { verifyDownload } from './verify-download.ts';

export interface GroupBlobsDeps {
  readonly store: Store<ServerDatabase>;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly maxBlobBytes: number;
  readonly quotaBytes: number;
}

/** A blob as its uploader has proven it. */
export interface ProvenBlob {
  readonly groupId: string;
  readonly blobId: string;
  readonly size: number;
  readonly sha256: Uint8Array;
  readonly deleteHash: Uint8Array;
}

export type GroupBlobs = ReturnType<typeof createGroupBlobs>;

const prefix = 'sealed-groups/';
/** The group's row is changed with every message: a unit that had to run again for each would starve. */
const lockedRows = { isolation: 'locked-rows' } as const;

export function createGroupBlobs(deps: GroupBlobsDeps) {
  const { store, blobs, clock, random } = deps;

  return {
    /**
     * Stores `body` as `blob`; does nothing when the very same blob is stored already (`false`). Throws {@link ApiError}
     * `CONCLAVE_BLOB_EXISTS`, `…_MISMATCH`, `…_QUOTA`, `CONCLAVE_STORAGE_FULL` or `CONCLAVE_BAD_HTTP`.
     */
    async put(blob: ProvenBlob, body: AsyncIterable<Uint8Array>): Promise<boolean> {
      if (blob.size > deps.maxBlobBytes) throw quotaError();
      if (await isStored(blob)) return false;
      if ((await usedBytes(blob.groupId)) + blob.size > deps.quotaBytes) throw quotaError();
      const key = `${prefix}${blob.groupId}/${clock.nowMs()}-${Buffer.from(random.bytes(12)).toString('hex')}`;
      const stored = await blobs.put(key, body, { maxBytes: blob.size });
      if (!stored.ok) {
        if (stored.code === 'BLOB_STORE_FULL')
          throw new ApiError('CONCLAVE_STORAGE_FULL', 'There is no room');
        if (stored.code === 'BLOB_ABORTED')
          throw new ApiError('CONCLAVE_BAD_HTTP', 'The upload was broken off');
        throw mismatchError();
      }
      let needed = false;
      try {
        if (stored.size !== blob.size || !timingSafeEqual(stored.sha256, blob.sha256)) throw mismatchError();
        needed = await insertBlob(blob, key);
        return needed;
      } catch (error) {
        // The row may be there, and would name octets that are not: the sweep sees whether it is.
        needed = isOutcomeUnknown(error);
        throw error;
      } finally {
        if (!needed) await blobs.delete(key);
      }
    },

    /**
     * Undefined when there is none. The caller disposes the reader. Opening and reading it reject with BlobError
     * `BLOB_DAMAGED` when it is not what was proven.
     */
    async get(groupId: string, blobId: string): Promise<BlobReader | undefined> {
      const row = await findBlob(groupId, blobId);
      const reader = row && (await blobs.get(row.storage_key));
      return reader && (await verifyDownload(reader, row));
    },

    /** Deletes the blob whose capability this is. False when there is none, or it is another's. */
    async delete(groupId: string, blobId: string, capability: Uint8Array): Promise<boolean> {
      const hash = createHash('sha256').update(capability).digest();
      const row = await findBlob(groupId, blobId);
      if (row === undefined || !timingSafeEqual(row.delete_hash, hash)) return false;
      // `locked-rows`: by the row that it deletes.
      const deleted = await store.write(async (trx) => {
        const gone = await trx
          .deleteFrom('sealed_blobs')
          .where('storage_key', '=', row.storage_key)
          .returning('size')
          .executeTakeFirst();
        if (gone === undefined) return false;
        await trx
          .updateTable('sealed_groups')
          .set((eb) => ({ blob_bytes: eb('blob_bytes', '-', gone.size) }))
          .where('group_id', '=', groupId)
          .execute();
        return true;
      }, lockedRows);
      if (deleted) await blobs.delete(row.storage_key);
      return deleted;
    },

    sweepOrphans: (signal?: AbortSignal) => sweepOrphans({ store, blobs, clock }, prefix, signal),
  };

  async function findBlob(groupId: string, blobId: string) {
    return await store.db
      .selectFrom('sealed_blobs')
      .select(['storage_key', 'size', 'sha256', 'delete_hash'])
      .where('group_id', '=', groupId)
      .where('blob_id', '=', blobId)
      .executeTakeFirst();
  }

  /** True if this very blob is stored; throws if another has its id. */
  async function isStored(blob: ProvenBlob): Promise<boolean> {
    const row = await findBlob(blob.groupId, blob.blobId);
    if (row === undefined) return false;
    const same = [row.sha256, row.delete_hash].every((stored, i) =>
      timingSafeEqual(stored, i === 0 ? blob.sha256 : blob.deleteHash),
    );
    if (row.size === blob.size && same) return true;
    throw new ApiError('CONCLAVE_BLOB_EXISTS', 'Another blob has this id');
  }

  async function usedBytes(groupId: string): Promise<number> {
    const row = await store.db
      .selectFrom('sealed_groups')
      .select('blob_bytes')
      .where('group_id', '=', groupId)
      .executeTakeFirst();
    return row?.blob_bytes ?? 0;
  }

  /** False when a twin of the upload was faster. */
  async function insertBlob(blob: ProvenBlob, key: string): Promise<boolean> {
    // `locked-rows`: by the key of the row that it inserts and by the group's row, which counts the octets.
    const outcome = await store.write(async (trx): Promise<'kept' | 'taken' | 'full'> => {
      const inserted = await trx
        .insertInto('sealed_blobs')
        .values({
          group_id: blob.groupId,
          blob_id: blob.blobId,
          storage_key: key,
          size: blob.size,
          sha256: blob.sha256,
          delete_hash: blob.deleteHash,
          created_at_ms: clock.nowMs(),
        })
        .onConflict((conflict) => conflict.columns(['group_id', 'blob_id']).doNothing())
        .executeTakeFirst();
      if (inserted.numInsertedOrUpdatedRows !== 1n) return 'taken';
      const counted = await trx
        .updateTable('sealed_groups')
        .set((eb) => ({ blob_bytes: eb('blob_bytes', '+', blob.size) }))
        .where('group_id', '=', blob.groupId)
        .where('blob_bytes', '<=', deps.quotaBytes - blob.size)
        .executeTakeFirst();
      if (counted.numUpdatedRows === 1n) return 'kept';
      await trx.deleteFrom('sealed_blobs').where('storage_key', '=', key).execute();
      return 'full';
    }, lockedRows);
    if (outcome === 'full') throw quotaError();
    // The twin is this very blob, or the caller is told that the id is taken.
    return outcome === 'kept' || !(await isStored(blob));
  }
}

function isOutcomeUnknown(error: unknown): boolean {
  return error instanceof StoreError && error.code === 'STORE_OUTCOME_UNKNOWN';
}

function quotaError(): ApiError {
  return new ApiError('CONCLAVE_BLOB_QUOTA', 'The blob, or all blobs of the group together, are too large');
}

function mismatchError(): ApiError {
  return new ApiError('CONCLAVE_BLOB_MISMATCH', 'The octets do not have the size and hash that were proven');
}
