/**
 * Octets that no row names: uploads whose process died, or whose COMMIT was not answered, and deletions that were broken off.
 *
 *   page of the store ─▶ keys older than a day ─▶ one query for hundreds ─▶ those without a row are deleted
 *
 * A run looks at a bounded number of keys; the next one goes on after them, in whichever process. A key names when its upload
 * began, and its row comes with the end of the upload: younger ones may be under way.
 */
import type { BlobStore, Clock, Store } from '@conclave/platform';
import type { ServerDatabase } from '../schema/server-database.ts';

export interface SweepOrphansDeps {
  readonly store: Store<ServerDatabase>;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  /** Of one run, give or take a page. Default 50,000. */
  readonly maxKeys?: number;
}

const orphanAgeMs = 24 * 60 * 60 * 1000;
const keysPerQuery = 500;

/** Resolves with how many were deleted. When `signal` fires it stops after the page under way. */
export async function sweepOrphans(
  { store, blobs, clock, maxKeys = 50_000 }: SweepOrphansDeps,
  prefix: string,
  signal?: AbortSignal,
): Promise<number> {
  const before = clock.nowMs() - orphanAgeMs;
  let from = await readPlace(store);
  let swept = 0;
  for (let looked = 0; looked < maxKeys;) {
    if (signal?.aborted === true) break;
    const page = await blobs.listPage(prefix, from);
    // An empty page counts as well.
    looked += Math.max(1, page.keys.length);
    const old = page.keys.filter((key) => beganAtMs(key) < before);
    for (let at = 0; at < old.length; at += keysPerQuery) {
      for (const key of await unnamed(store, old.slice(at, at + keysPerQuery))) {
        if (await blobs.delete(key)) swept++;
      }
    }
    from = page.next;
    await keepPlace(store, from);
    if (from === undefined) break;
  }
  return swept;
}

/** NaN, which is not before anything, for a key that is not ours. */
function beganAtMs(key: string): number {
  return Number(/\/(\d+)-[0-9a-f]+$/.exec(key)?.[1]);
}

async function unnamed(store: Store<ServerDatabase>, keys: readonly string[]): Promise<string[]> {
  const rows = await store.db
    .selectFrom('sealed_blobs')
    .select('storage_key')
    .where('storage_key', 'in', keys)
    .execute();
  const named = new Set(rows.map(({ storage_key: key }) => key));
  return keys.filter((key) => !named.has(key));
}

async function readPlace(store: Store<ServerDatabase>): Promise<string | undefined> {
  const row = await store.db
    .selectFrom('attachment_sweep')
    .select('from_page')
    .where('id', '=', 1)
    .executeTakeFirst();
  return row?.from_page ?? undefined;
}

async function keepPlace(store: Store<ServerDatabase>, from: string | undefined): Promise<void> {
  const place = { from_page: from ?? null };
  await store.write(async (trx) => {
    await trx
      .insertInto('attachment_sweep')
      .values({ id: 1, ...place })
      .onConflict((conflict) => conflict.column('id').doUpdateSet(place))
      .execute();
  });
}
