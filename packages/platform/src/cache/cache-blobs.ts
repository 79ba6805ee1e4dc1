/**
 * Small blobs near by: what a whole group downloads within seconds of its upload (a roster, a thumbnail) is fetched from a
 * remote store once and not once for each member. Goes around the store and below encryption: what is cached is ciphertext,
 * and deleting a data key still ends its blob.
 */
import { partOf, type BlobReader, type BlobStore, type ByteRange } from '../blobs/blob-store.ts';
import type { Cache, CacheCodec } from './cache.ts';

export const octetsCodec: CacheCodec<Uint8Array> = {
  encode: (octets) => octets,
  decode: (octets) => Uint8Array.from(octets),
};

/** @param maxBytes larger blobs are passed through, and never held in memory. */
export function cacheBlobs(inner: BlobStore, cache: Cache<Uint8Array>, maxBytes: number): BlobStore {
  return {
    async put(key, body, limits) {
      try {
        return await inner.put(key, body, limits);
      } finally {
        // Whatever came of it: an upload that failed without an answer may be visible.
        await cache.delete(key);
      }
    },

    async get(key, range) {
      if (!isWhole(range)) {
        const known = await cache.get(key);
        return known === undefined || !isOrdered(range)
          ? await inner.get(key, range)
          : toReader(known, range);
      }
      let opened: BlobReader | undefined;
      const octets = await cache.getOrLoad(key, async () => {
        opened = await inner.get(key);
        if (opened === undefined || opened.size > maxBytes) return undefined;
        await using small = opened;
        opened = undefined;
        return await readAll(small);
      });
      if (octets !== undefined) return toReader(octets, range);
      // A large one: whoever began the load has its reader.
      return opened ?? (await inner.get(key, range));
    },

    async delete(key) {
      try {
        return await inner.delete(key);
      } finally {
        await cache.delete(key);
      }
    },

    listPage: (prefix, from) => inner.listPage(prefix, from),
  };
}

function isWhole(range: ByteRange | undefined): boolean {
  return range === undefined || (range.start === 0 && range.end === undefined);
}

/** Others are for the store to refuse. */
function isOrdered(range: ByteRange | undefined): boolean {
  const { start, end = start } = range ?? { start: 0 };
  return Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && end >= start;
}

async function readAll(reader: BlobReader): Promise<Uint8Array> {
  const octets = new Uint8Array(reader.size);
  let filled = 0;
  for await (const chunk of reader.body) {
    octets.set(chunk, filled);
    filled += chunk.length;
  }
  return octets;
}

function toReader(octets: Uint8Array, range: ByteRange | undefined): BlobReader {
  const part = partOf(octets.length, range);
  return {
    size: octets.length,
    range: part,
    body: once(part === undefined ? new Uint8Array() : octets.slice(part.start, part.end + 1)),
    async [Symbol.asyncDispose]() {},
  };
}

async function* once(octets: Uint8Array): AsyncGenerator<Uint8Array> {
  if (octets.length > 0) yield octets;
}
