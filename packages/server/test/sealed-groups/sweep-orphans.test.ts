/** The sweep of attachments that no row names: what it takes, what it leaves, and how much it does at once. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  listBlobs,
  openDiskBlobStore,
  openSqliteStore,
  silentLog,
  type BlobStore,
  type Store,
} from '@conclave/platform';
import { createManualClock, type ManualClock } from '@conclave/platform/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ServerDatabase } from '../../src/schema/server-database.ts';
import { allMigrations } from '../../src/schema/server-migrations.ts';
import { sweepOrphans } from '../../src/sealed-groups/sweep-orphans.ts';

const prefix = 'sealed-groups/';
const dayMs = 24 * 60 * 60 * 1_000;

let folder: string;
let clock: ManualClock;
let store: Store<ServerDatabase>;
let blobs: BlobStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conclave-sweep-'));
  clock = createManualClock();
  store = await openSqliteStore<ServerDatabase>({
    file: join(folder, 'test.db'),
    migrations: allMigrations,
    clock,
    log: silentLog,
  });
  blobs = await openDiskBlobStore({ folder });
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

const keyOf = (n: number) => `${prefix}group${n % 7}/${clock.nowMs()}-${String(n).padStart(24, '0')}`;

/** As the disk lays them out, without a sync for each. */
async function putAll(keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    const shard = createHash('sha256').update(key).digest('hex').slice(0, 2);
    const path = join(folder, 'blobs', shard, key.replaceAll('/', '+'));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, 'octets');
  }
}

async function nameInRows(keys: readonly string[]): Promise<void> {
  await store.write(async (trx) => {
    for (const key of keys) {
      await trx
        .insertInto('sealed_blobs')
        .values({
          group_id: 'group',
          blob_id: key,
          storage_key: key,
          size: 6,
          sha256: new Uint8Array(32),
          delete_hash: new Uint8Array(32),
          created_at_ms: 0,
        })
        .execute();
    }
  });
}

async function left(): Promise<string[]> {
  const keys = [];
  for await (const key of listBlobs(blobs, '')) keys.push(key);
  return keys.toSorted();
}

it('takes what is old and has no row, and nothing else', async () => {
  const named = Array.from({ length: 700 }, (_, n) => keyOf(n));
  const orphans = Array.from({ length: 700 }, (_, n) => keyOf(1_000 + n));
  await putAll([...named, ...orphans, 'another/thing', `${prefix}not-ours`]);
  await nameInRows(named);
  expect(await sweepOrphans({ store, blobs, clock }, prefix)).toBe(0);
  await clock.advance(dayMs);
  const young = keyOf(9_999);
  await putAll([young]);
  expect(await sweepOrphans({ store, blobs, clock }, prefix)).toBe(0);
  await clock.advance(1);
  expect(await sweepOrphans({ store, blobs, clock }, prefix)).toBe(700);
  expect(await left()).toEqual([...named, young, 'another/thing', `${prefix}not-ours`].toSorted());
});

it('looks at so many keys a run, goes on where the last run ended, and then begins anew', async () => {
  const orphans = Array.from({ length: 3_500 }, (_, n) => keyOf(n));
  await putAll(orphans);
  await clock.advance(dayMs + 1);
  const begun: (string | undefined)[] = [];
  const counted: BlobStore = {
    ...blobs,
    delete: (key) => blobs.delete(key),
    listPage(of, from) {
      begun.push(from);
      return blobs.listPage(of, from);
    },
  };
  const run = (signal?: AbortSignal) =>
    sweepOrphans({ store, blobs: counted, clock, maxKeys: 1_500 }, prefix, signal);
  const stopped = AbortSignal.abort();
  expect(await run(stopped)).toBe(0);
  const swept = [await run(), await run()];
  // Two pages of a thousand and a few each.
  expect(swept.every((count) => count >= 1_000 && count < 2_200)).toBe(true);
  expect(swept[0]! + swept[1]!).toBe(3_500);
  expect(begun.length).toBeLessThanOrEqual(4);
  expect(new Set(begun).size).toBe(begun.length);
  expect(begun[0]).toBeUndefined();
  await putAll(orphans.slice(0, 10));
  expect(await run()).toBe(10);
  expect(begun.at(-1)).toBeUndefined();
});
