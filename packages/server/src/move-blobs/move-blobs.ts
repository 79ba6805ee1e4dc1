/**
 * Brings attachments to where they belong, one by one and several at once, while the server reads, writes and deletes them:
 *
 *   row ─▶ is it there, as it is to be? ───────────────────────────▶ read back ─▶ recorded
 *            └ no ─▶ read where it is, against size and SHA-256 ─▶ put ─┘   └ row deleted meanwhile ─▶ the copy goes
 *
 * Nothing is deleted where attachments come from. Whatever was under way when the process died is done again: a put replaces the
 * blob as a whole, and a record is made only of what was read back.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { BlobError, type BlobReader, type BlobStore, type Log, type Store } from '@conclave/platform';
import type { ServerDatabase } from '../schema/server-database.ts';
import { verifyDownload } from '../sealed-groups/verify-download.ts';
import { findUnmoved, recordMoved, type AttachmentRow } from './move-progress.ts';
import type { MoveProblem } from './move-tables.ts';

type Form = 'sealed' | 'plain' | undefined;

/** The two places, seen each by itself. */
export interface MoveViews {
  /** Where attachments belong: writes as the server does. */
  readonly target: Pick<BlobStore, 'put'>;
  /** The same place without any cache before it. */
  readonly readBack: Pick<BlobStore, 'get'> & { formOf(key: string): Promise<Form> };
  /** Where they may lie otherwise; undefined if they only are to be encrypted where they are. */
  readonly previous: Pick<BlobStore, 'get'> | undefined;
  /** Both places, as the server sees them. */
  readonly serving: Pick<BlobStore, 'delete'>;
  /** Whether attachments are to be encrypted at rest. */
  readonly sealed: boolean;
}

export interface MoveBlobsDeps extends MoveViews {
  readonly store: Store<ServerDatabase>;
  readonly log: Log;
}

export interface PassOutcome {
  /** Attachments that were looked at. */
  readonly seen: number;
  /** Of them, those that could not be moved now, since a store or the database does not answer: they are for another pass. */
  readonly failed: number;
}

const rowsPerQuery = 200;

/** Goes once over all attachments that are not recorded. */
export async function movePass(
  deps: MoveBlobsDeps,
  concurrency: number,
  signal: AbortSignal,
): Promise<PassOutcome> {
  let seen = 0;
  let failed = 0;
  let after = '';
  while (!signal.aborted) {
    const rows = await findUnmoved(deps.store, deps.sealed, after, rowsPerQuery);
    const last = rows.at(-1);
    if (last === undefined) break;
    after = last.storage_key;
    seen += rows.length;
    const left = rows.values();
    const work = async (): Promise<void> => {
      for (const row of left) {
        if (signal.aborted) return;
        try {
          await moveOne(deps, row, signal);
        } catch (err) {
          if (signal.aborted) return;
          failed++;
          deps.log.warn(
            { err, blobKey: row.storage_key },
            'an attachment could not be moved now; it is tried again',
          );
        }
      }
    };
    await Promise.all(Array.from({ length: concurrency }, work));
  }
  return { seen, failed };
}

/** Rejects when it cannot be told now. */
async function moveOne(deps: MoveBlobsDeps, row: AttachmentRow, signal: AbortSignal): Promise<void> {
  const { store, serving, sealed, log } = deps;
  let problem: MoveProblem | null;
  try {
    problem = await bringThere(deps, row, signal);
  } catch (error) {
    if (await isNamed(store, row)) throw error;
    problem = null;
  }
  if (problem !== null && (await isNamed(store, row))) {
    log.error({ blobKey: row.storage_key, problem }, 'an attachment cannot be moved');
  }
  const isKept = await recordMoved(store, row.storage_key, { sealed: sealed ? 1 : 0, problem });
  // Deleted while it was copied: its deletion may have come before the copy.
  if (!isKept) await serving.delete(row.storage_key);
}

async function bringThere(
  deps: MoveBlobsDeps,
  row: AttachmentRow,
  signal: AbortSignal,
): Promise<MoveProblem | null> {
  const { target, readBack, sealed } = deps;
  const { storage_key: key, size } = row;
  const form = await readBack.formOf(key);
  const isThere = form !== undefined && (form === 'sealed' || !sealed);
  if (isThere && (await isGenuine(readBack, row, signal))) return null;
  let failure: unknown;
  try {
    const source = (await deps.previous?.get(key)) ?? (isThere ? undefined : await readBack.get(key));
    if (source === undefined) return isThere ? 'damaged' : 'missing';
    await using reader = await verifyDownload(source, row);
    const body = watched(reader, signal, (error) => (failure = error));
    const put = await target.put(key, body, { maxBytes: size });
    if (!put.ok)
      throw failure ?? new BlobError('BLOB_STORE_UNAVAILABLE', `the new place refused it: ${put.code}`);
  } catch (error) {
    if (isDamage(error)) return 'damaged';
    throw error;
  }
  if (!(await isGenuine(readBack, row, signal))) {
    throw new BlobError('BLOB_DAMAGED', 'what was written to the new place is not what it gives back');
  }
  return null;
}

/** A put tells that its body failed, and not why. */
async function* watched(
  reader: BlobReader,
  signal: AbortSignal,
  onFailure: (error: unknown) => void,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of reader.body) {
      signal.throwIfAborted();
      yield chunk;
    }
  } catch (error) {
    onFailure(error);
    throw error;
  }
}

/** Whether the place gives back what the row says. Rejects when it gives nothing now. */
async function isGenuine(
  place: Pick<BlobStore, 'get'>,
  row: AttachmentRow,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await using reader = await place.get(row.storage_key);
    if (reader === undefined || reader.size !== row.size) return false;
    const hash = createHash('sha256');
    for await (const chunk of reader.body) {
      signal.throwIfAborted();
      hash.update(chunk);
    }
    return timingSafeEqual(hash.digest(), row.sha256);
  } catch (error) {
    if (isDamage(error)) return false;
    throw error;
  }
}

function isDamage(error: unknown): boolean {
  return (
    error instanceof BlobError && (error.code === 'BLOB_DAMAGED' || error.code === 'BLOB_DATA_KEY_DAMAGED')
  );
}

async function isNamed(store: Store<ServerDatabase>, row: AttachmentRow): Promise<boolean> {
  const found = await store.db
    .selectFrom('sealed_blobs')
    .select('size')
    .where('storage_key', '=', row.storage_key)
    .executeTakeFirst();
  return found !== undefined;
}
