/** Two blob stores as one, while blobs are moved from one to the other. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { blobStoreContract } from '@conclave/testkit/contracts';
import { fallBack, listBlobs, openDiskBlobStore, type BlobStore } from '@conclave/platform';

async function open() {
  const folder = await mkdtemp(join(tmpdir(), 'conclave-fall-back-'));
  const current = await openDiskBlobStore({ folder: join(folder, 'current') });
  const previous = await openDiskBlobStore({ folder: join(folder, 'previous') });
  return { folder, current, previous, blobs: fallBack(current, previous) };
}

blobStoreContract('disk, with another to fall back on', async () => {
  const { folder, blobs } = await open();
  return { blobs, destroy: () => rm(folder, { recursive: true }) };
});

let opened: Awaited<ReturnType<typeof open>>;
beforeEach(async () => {
  opened = await open();
});
afterEach(() => rm(opened.folder, { recursive: true }));

async function put(blobs: BlobStore, key: string, text: string): Promise<void> {
  async function* body() {
    yield new TextEncoder().encode(text);
  }
  await blobs.put(key, body(), { maxBytes: 1_000 });
}

async function read(blobs: BlobStore, key: string): Promise<string | undefined> {
  await using reader = await blobs.get(key);
  if (reader === undefined) return undefined;
  let text = '';
  for await (const chunk of reader.body) text += new TextDecoder().decode(chunk);
  return text;
}

test('what is in the current place goes before what is in the previous one', async () => {
  const { blobs, current, previous } = opened;
  await put(previous, 'a', 'old a');
  await put(previous, 'b', 'old b');
  await put(blobs, 'b', 'new b');
  await put(blobs, 'c', 'new c');
  expect(await Promise.all(['a', 'b', 'c', 'd'].map((key) => read(blobs, key)))).toEqual([
    'old a',
    'new b',
    'new c',
    undefined,
  ]);
  expect([await read(previous, 'b'), await read(previous, 'c')]).toEqual(['old b', undefined]);
  expect(await read(current, 'a')).toBeUndefined();
});

test('a deletion is one in both places', async () => {
  const { blobs, current, previous } = opened;
  for (const place of [current, previous]) await put(place, 'both', 'x');
  await put(previous, 'old', 'x');
  expect([await blobs.delete('both'), await blobs.delete('old'), await blobs.delete('old')]).toEqual([
    true,
    true,
    false,
  ]);
  expect([await read(previous, 'both'), await read(current, 'both')]).toEqual([undefined, undefined]);
});

test('the list has what is in either place, page by page', async () => {
  const { blobs, current, previous } = opened;
  await put(current, 'g/new', 'x');
  await put(previous, 'g/old', 'x');
  await put(previous, 'h/other', 'x');
  const keys = [];
  for await (const key of listBlobs(blobs, 'g/')) keys.push(key);
  expect(keys.toSorted()).toEqual(['g/new', 'g/old']);
  const first = await blobs.listPage('g/');
  expect(first.keys).toEqual(['g/new']);
  expect(await blobs.listPage('g/', first.next)).toEqual({ keys: ['g/old'], next: undefined });
});
