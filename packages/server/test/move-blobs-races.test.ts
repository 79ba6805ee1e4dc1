/** One pass of the move of attachments, with what can happen in the middle of it. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BlobError,
  fallBack,
  listBlobs,
  openDiskBlobStore,
  openSqliteStore,
  silentLog,
  systemClock,
  type BlobStore,
  type Store,
} from '@conclave/platform';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { movePass, type MoveBlobsDeps } from '../src/move-blobs/move-blobs.ts';
import { countUnmoved } from '../src/move-blobs/move-progress.ts';
import type { ServerDatabase } from '../src/schema/server-database.ts';
import { allMigrations } from '../src/schema/server-migrations.ts';

let folder: string;
let store: Store<ServerDatabase>;
let previous: BlobStore;
let target: BlobStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conclave-move-races-'));
  store = await openSqliteStore<ServerDatabase>({
    file: join(folder, 'test.db'),
    migrations: allMigrations,
    clock: systemClock,
    log: silentLog,
  });
  previous = await openDiskBlobStore({ folder: join(folder, 'previous') });
  target = await openDiskBlobStore({ folder: join(folder, 'target') });
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

/** The target as the mover sees it, changed where a test wants it. */
function depsWith(changes: Partial<Pick<BlobStore, 'put' | 'get'>> = {}): MoveBlobsDeps {
  const get: BlobStore['get'] = changes.get ?? ((key, range) => target.get(key, range));
  return {
    store,
    log: silentLog,
    target: { put: changes.put ?? ((key, body, limits) => target.put(key, body, limits)) },
    readBack: {
      get,
      async formOf(key) {
        const reader = await target.get(key);
        await reader?.[Symbol.asyncDispose]();
        return reader && 'plain';
      },
    },
    previous,
    serving: fallBack(target, previous),
    sealed: false,
  };
}

async function* bodyOf(octets: Uint8Array) {
  for (let at = 0; at < octets.length; at += 1_000) yield octets.subarray(at, at + 1_000);
}

async function add(n: number): Promise<string> {
  const key = `sealed-groups/group/1-${String(n).padStart(24, '0')}`;
  const octets = randomBytes(5_000 + n);
  await previous.put(key, bodyOf(octets), { maxBytes: 10_000 });
  await store.write((trx) =>
    trx
      .insertInto('sealed_blobs')
      .values({
        group_id: 'group',
        blob_id: key,
        storage_key: key,
        size: octets.length,
        sha256: new Uint8Array(createHash('sha256').update(octets).digest()),
        delete_hash: new Uint8Array(32),
        created_at_ms: 0,
      })
      .execute(),
  );
  return key;
}

/** As the server deletes: the row, then the octets. */
async function remove(key: string): Promise<void> {
  await store.write((trx) => trx.deleteFrom('sealed_blobs').where('storage_key', '=', key).execute());
  await fallBack(target, previous).delete(key);
}

async function keysOf(blobs: BlobStore): Promise<string[]> {
  const keys = [];
  for await (const key of listBlobs(blobs, '')) keys.push(key);
  return keys;
}

const pass = (deps: MoveBlobsDeps, concurrency = 3) =>
  movePass(deps, concurrency, new AbortController().signal);

it('leaves no copy of an attachment that is deleted meanwhile, whenever that is', async () => {
  for (const moment of ['before', 'during', 'after'] as const) {
    const key = await add(1);
    const deps = depsWith({
      async put(of, body, limits) {
        if (moment === 'before') await remove(key);
        async function* interrupted() {
          for await (const chunk of body) {
            if (moment === 'during') await remove(key);
            yield chunk;
          }
        }
        const stored = await target.put(of, interrupted(), limits);
        if (moment === 'after') await remove(key);
        return stored;
      },
    });
    expect(await pass(deps)).toEqual({ seen: 1, failed: 0 });
    expect([await keysOf(target), await keysOf(previous)]).toEqual([[], []]);
    expect(await countUnmoved(store.db, false)).toBe(0);
  }
});

it('records nothing that the new place gives back changed, or not at all, and does it again', async () => {
  const keys = [await add(1), await add(2), await add(3)];
  const [first, second] = keys;
  const deps = depsWith({
    async get(key, range) {
      if (key === first) throw new BlobError('BLOB_STORE_UNAVAILABLE', 'away');
      const reader = await target.get(key, range);
      if (reader === undefined || key !== second) return reader;
      async function* changed() {
        for await (const chunk of reader!.body) yield Uint8Array.from(chunk, (octet) => octet ^ 1);
      }
      return { ...reader, body: changed(), [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose]() };
    },
  });
  expect(await pass(deps)).toEqual({ seen: 3, failed: 2 });
  expect(await countUnmoved(store.db, false)).toBe(2);
  expect(await pass(depsWith())).toEqual({ seen: 2, failed: 0 });
  expect(await countUnmoved(store.db, false)).toBe(0);
  expect((await keysOf(target)).toSorted()).toEqual(keys);
  expect((await keysOf(previous)).toSorted()).toEqual(keys);
});

it('works on no more at once than it was told, and stops when it is told', async () => {
  for (let n = 0; n < 30; n++) await add(n);
  let now = 0;
  let most = 0;
  const stop = new AbortController();
  let puts = 0;
  const deps = depsWith({
    async put(key, body, limits) {
      now++;
      most = Math.max(most, now);
      if (++puts === 10) stop.abort();
      const stored = await target.put(key, body, limits);
      now--;
      return stored;
    },
  });
  await movePass(deps, 4, stop.signal);
  expect(most).toBe(4);
  expect(puts).toBeLessThan(15);
  const left = await countUnmoved(store.db, false);
  expect(left).toBeGreaterThan(15);
  expect(await pass(depsWith())).toEqual({ seen: left, failed: 0 });
});
