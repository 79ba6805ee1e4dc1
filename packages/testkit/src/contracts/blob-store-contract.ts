/** What every adapter of the `BlobStore` port keeps (packages/platform/src/blobs/blob-store.ts). */
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listBlobs, type BlobStore, type ByteRange } from '@conclave/platform';
import { codeOf } from './rejection.ts';

export interface ContractBlobStore {
  readonly blobs: BlobStore;
  destroy(): Promise<void>;
}

const MAX_BYTES = 1_000_000;

export function blobStoreContract(adapter: string, create: () => Promise<ContractBlobStore>): void {
  describe(`${adapter}: blob store contract`, () => {
    let contract: ContractBlobStore;
    let blobs: BlobStore;

    beforeEach(async () => {
      contract = await create();
      blobs = contract.blobs;
    });

    afterEach(() => contract.destroy());

    const put = (key: string, bytes: Uint8Array, maxBytes = MAX_BYTES) =>
      blobs.put(key, chunksOf(bytes, 7_001), { maxBytes });

    const read = async (key: string, range?: ByteRange): Promise<Uint8Array | undefined> => {
      await using reader = await blobs.get(key, range);
      if (reader === undefined) return undefined;
      const chunks: Uint8Array[] = [];
      for await (const chunk of reader.body) chunks.push(Uint8Array.from(chunk));
      return new Uint8Array(Buffer.concat(chunks));
    };

    const keys = async (prefix = '') => {
      const found: string[] = [];
      for await (const key of listBlobs(blobs, prefix)) found.push(key);
      return found.toSorted();
    };

    test.each([0, 1, 65_536, 300_001])(
      'gives back %d bytes as they were put, with size and hash',
      async (size) => {
        const bytes = pattern(size);
        expect(await put('group/blob', bytes)).toEqual({
          ok: true,
          size,
          sha256: new Uint8Array(createHash('sha256').update(bytes).digest()),
        });
        expect(await read('group/blob')).toEqual(bytes);
      },
    );

    test.each([0, 1_000, 300_001])('gives back %d bytes that nobody wanted the hash of', async (size) => {
      const bytes = pattern(size);
      const body = chunksOf(bytes, 7_001);
      expect(await blobs.put('a', body, { maxBytes: MAX_BYTES, hash: false })).toEqual({
        ok: true,
        size,
        sha256: new Uint8Array(),
      });
      expect(await read('a')).toEqual(bytes);
    });

    test('has no blob that was not put', async () => {
      expect(await blobs.get('nothing')).toBeUndefined();
      expect(await blobs.delete('nothing')).toBe(false);
    });

    test('replaces a blob as a whole', async () => {
      await put('a', pattern(200_000));
      await put('a', pattern(10));
      expect(await read('a')).toEqual(pattern(10));
    });

    test('accepts exactly maxBytes; one more is refused, leaves nothing and reads no further', async () => {
      expect(await put('exact', pattern(1_000), 1_000)).toMatchObject({ ok: true });
      let yielded = 0;
      let ended = false;
      async function* endless() {
        try {
          for (;;) {
            yielded += 1;
            yield pattern(600);
          }
        } finally {
          ended = true;
        }
      }
      expect(await blobs.put('endless', endless(), { maxBytes: 1_000 })).toEqual({
        ok: false,
        code: 'BLOB_TOO_LARGE',
      });
      expect(yielded).toBe(2);
      expect(ended).toBe(true);
      expect(await keys()).toEqual(['exact']);
    });

    test('an upload that breaks off leaves nothing, and what was there before', async () => {
      async function* broken() {
        yield pattern(100_000);
        throw new Error('connection reset');
      }
      const aborted = { ok: false, code: 'BLOB_ABORTED' };
      expect(await blobs.put('new', broken(), { maxBytes: MAX_BYTES })).toEqual(aborted);
      expect(await blobs.get('new')).toBeUndefined();
      await put('old', pattern(10));
      expect(await blobs.put('old', broken(), { maxBytes: MAX_BYTES })).toEqual(aborted);
      expect(await read('old')).toEqual(pattern(10));
      expect(await keys()).toEqual(['old']);
    });

    test('a blob is not visible before its upload has ended', async () => {
      const finish = Promise.withResolvers<void>();
      const started = Promise.withResolvers<void>();
      async function* slow() {
        yield pattern(10);
        started.resolve();
        await finish.promise;
      }
      const putting = blobs.put('slow', slow(), { maxBytes: MAX_BYTES });
      await started.promise;
      expect(await blobs.get('slow')).toBeUndefined();
      expect(await keys()).toEqual([]);
      finish.resolve();
      await putting;
      expect(await read('slow')).toEqual(pattern(10));
    });

    test('uploads of one key at once leave one of them, whole', async () => {
      const sizes = [50_000, 60_000, 70_000];
      await Promise.all(sizes.map((size) => put('same', pattern(size))));
      const bytes = (await read('same'))!;
      expect(sizes).toContain(bytes.length);
      expect(bytes).toEqual(pattern(bytes.length));
    });

    test.each([
      ['the first byte', { start: 0, end: 0 }, 0, 0],
      ['a middle part', { start: 70_000, end: 140_000 }, 70_000, 140_000],
      ['to the end', { start: 199_990 }, 199_990, 199_999],
      ['past the end', { start: 199_990, end: 999_999 }, 199_990, 199_999],
    ])('reads a range: %s', async (_, range, start, end) => {
      const bytes = pattern(200_000);
      await put('a', bytes);
      const reader = (await blobs.get('a', range))!;
      expect(reader.size).toBe(200_000);
      expect(reader.range).toEqual({ start, end });
      await reader[Symbol.asyncDispose]();
      expect(await read('a', range)).toEqual(bytes.slice(start, end + 1));
    });

    test('a range that begins past the end is none, and reads nothing', async () => {
      await put('a', pattern(10));
      const reader = (await blobs.get('a', { start: 10 }))!;
      expect(reader.range).toBeUndefined();
      await reader[Symbol.asyncDispose]();
      expect(await read('a', { start: 10 })).toEqual(new Uint8Array());
    });

    test.each([{ start: -1 }, { start: 0.5 }, { start: 5, end: 4 }, { start: Number.NaN }])(
      'refuses the range %j',
      async (range) => {
        await put('a', pattern(10));
        expect(await codeOf(blobs.get('a', range))).toBe('BLOB_RANGE_INVALID');
      },
    );

    test('a reader may be left early', async () => {
      await put('a', pattern(300_000));
      await using reader = (await blobs.get('a'))!;
      for await (const chunk of reader.body) {
        expect(chunk.length).toBeGreaterThan(0);
        break;
      }
    });

    test('a reader keeps what it opened when the blob is deleted', async () => {
      await put('a', pattern(300_000));
      await using reader = (await blobs.get('a'))!;
      expect(await blobs.delete('a')).toBe(true);
      let size = 0;
      for await (const chunk of reader.body) size += chunk.length;
      expect(size).toBe(300_000);
      expect(await blobs.get('a')).toBeUndefined();
    });

    test('lists keys by prefix, whatever they were put as', async () => {
      for (const key of ['g1/a', 'g1/b', 'g2/a', 'g10/a', 'top', 'A-_.z0']) await put(key, pattern(1));
      expect(await keys()).toEqual(['A-_.z0', 'g1/a', 'g1/b', 'g10/a', 'g2/a', 'top']);
      expect(await keys('g1/')).toEqual(['g1/a', 'g1/b']);
      expect(await keys('g1')).toEqual(['g1/a', 'g1/b', 'g10/a']);
      expect(await keys('none')).toEqual([]);
      await blobs.delete('g1/a');
      expect(await keys('g1/')).toEqual(['g1/b']);
    });

    test.each([
      '',
      '.',
      '..',
      '../a',
      'a/../b',
      'a/..',
      '/a',
      'a/',
      'a//b',
      '.hidden',
      'a/.b',
      'a.',
      'a\\b',
      'a\0b',
      'a\n',
      'a b',
      'a+b',
      'ä',
      '%2e%2e',
      'x'.repeat(257),
      'a/'.repeat(8) + 'a',
    ])('refuses the key %j', async (key) => {
      expect(await codeOf(put(key, pattern(1)))).toBe('BLOB_KEY_INVALID');
      expect(await codeOf(blobs.get(key))).toBe('BLOB_KEY_INVALID');
      expect(await codeOf(blobs.delete(key))).toBe('BLOB_KEY_INVALID');
      expect(await keys()).toEqual([]);
    });
  });
}

/** Bytes that differ from place to place, so that a shifted or repeated chunk shows. */
function pattern(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => (index * 31 + (index >> 8) * 7) & 0xff);
}

async function* chunksOf(bytes: Uint8Array, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += chunkBytes)
    yield bytes.subarray(start, start + chunkBytes);
}
