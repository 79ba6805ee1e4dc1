import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { blobStoreContract, cacheContract } from '@conclave/testkit/contracts';
import {
  cacheBlobs,
  createInProcessCache,
  openDiskBlobStore,
  systemClock,
  type BlobStore,
} from '@conclave/platform';
import { createManualClock } from '@conclave/platform/testing';

const texts = {
  name: 'texts',
  maxBytes: 100,
  maxValueBytes: 40,
  ttlMs: 500,
  sizeOf: (text: string) => text.length,
};
const octets = {
  name: 'blobs',
  maxBytes: 1_000_000,
  maxValueBytes: 70_000,
  ttlMs: 60_000,
  sizeOf: (value: Uint8Array) => value.length,
};

cacheContract('in process', async () => {
  const clock = createManualClock();
  return {
    cache: createInProcessCache({ clock }, texts),
    pass: (ms) => clock.advance(ms),
    destroy: async () => {},
  };
});

blobStoreContract('cached on disk', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'conclave-cached-'));
  const cache = createInProcessCache({ clock: systemClock }, octets);
  return {
    blobs: cacheBlobs(await openDiskBlobStore({ folder }), cache, octets.maxValueBytes),
    destroy: () => rm(folder, { recursive: true }),
  };
});

test('what was used longest ago makes room', async () => {
  const cache = createInProcessCache({ clock: createManualClock() }, texts);
  const load = (key: string) => cache.getOrLoad(key, async () => key.repeat(30));
  await load('a');
  await load('b');
  await load('c');
  await cache.get('a');
  await load('d');
  const kept = [];
  for (const key of ['a', 'b', 'c', 'd']) kept.push((await cache.get(key)) !== undefined);
  expect(kept).toEqual([true, false, true, true]);
});

test('small blobs are fetched once, large ones are passed through as often as they are asked for', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'conclave-cached-'));
  const disk = await openDiskBlobStore({ folder });
  let fetched = 0;
  const counting: BlobStore = {
    put: (...put) => disk.put(...put),
    async get(key, range) {
      fetched++;
      return await disk.get(key, range);
    },
    delete: (key) => disk.delete(key),
    listPage: (prefix, from) => disk.listPage(prefix, from),
  };
  const blobs = cacheBlobs(
    counting,
    createInProcessCache({ clock: createManualClock() }, octets),
    octets.maxValueBytes,
  );
  const read = async (key: string, range?: { start: number; end?: number }) => {
    await using reader = await blobs.get(key, range);
    let size = 0;
    for await (const chunk of reader!.body) size += chunk.length;
    return size;
  };
  async function* body(size: number) {
    yield new Uint8Array(size);
  }
  await blobs.put('small', body(70_000), { maxBytes: 1_000_000 });
  await blobs.put('large', body(70_001), { maxBytes: 1_000_000 });
  expect([await read('small'), await read('small'), await read('small', { start: 10, end: 19 })]).toEqual([
    70_000, 70_000, 10,
  ]);
  expect(fetched).toBe(1);
  expect([await read('large'), await read('large'), await read('large', { start: 10, end: 19 })]).toEqual([
    70_001, 70_001, 10,
  ]);
  expect(fetched).toBe(4);
  await rm(folder, { recursive: true });
});
