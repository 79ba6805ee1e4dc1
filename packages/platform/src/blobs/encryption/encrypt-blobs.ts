/**
 * Envelope encryption around any blob store: what lies there is worth nothing without the database and the master keys.
 *
 *   master key (file) ──wraps──▶ data key (row of the database) ──encrypts──▶ blob (store)
 *
 *   rotating the master key   rewrites rows, never blobs
 *   deleting a blob           deletes its row first: from then on the octets mean nothing, in every copy and backup of the store
 *
 * Blobs that were put before there was any encryption are read as they are: they have no row, and do not begin like one that is
 * encrypted. A blob that is put again becomes an encrypted one, and can be read at every moment of that.
 */
import type { Log } from '../../log/log.ts';
import {
  assertBlobKey,
  assertRange,
  BlobError,
  partOf,
  type BlobReader,
  type BlobStore,
  type ByteRange,
} from '../blob-store.ts';
import { Intake } from '../intake.ts';
import { createDataKeys, type DataKeysDeps } from './data-keys.ts';
import { damaged, OctetReader, openBody } from './open-body.ts';
import { sealBody } from './seal-body.ts';
import {
  ChunkCipher,
  chunkBytes,
  headerBytes,
  makeHeader,
  plainSizeOf,
  readHeader,
  sealedChunkBytes,
  sealedSizeOf,
} from './sealed-format.ts';

export interface EncryptBlobsDeps extends DataKeysDeps {
  readonly log: Log;
}

/** Rejects with what the database rejects with, too. */
export interface EncryptedBlobStore extends BlobStore {
  /** Whether what lies there is encrypted; undefined if nothing does. */
  formOf(key: string): Promise<'sealed' | 'plain' | undefined>;
  /** A job: wraps all data keys by the current master key. May be stopped and begun again at any time. Resolves with how many. */
  rewrapDataKeys(signal?: AbortSignal): Promise<number>;
  /** A job: deletes data keys of uploads that were broken off or replaced. Resolves with how many. */
  collectDataKeys(signal?: AbortSignal): Promise<number>;
  /** How many data keys each master key wraps: one with none can be removed from the ring. */
  dataKeyUsage(): Promise<ReadonlyMap<string, number>>;
}

/** A blob is replaced once while it is moved; more often is somebody's mistake. */
const maxAttempts = 3;

export function encryptBlobs(inner: BlobStore, deps: EncryptBlobsDeps): EncryptedBlobStore {
  const keys = createDataKeys(deps);

  /** The first chunk's reader, and what its header says; undefined if there is no blob. */
  const begin = async (key: string, range: ByteRange) => {
    const reader = await inner.get(key, range);
    if (reader === undefined) return undefined;
    try {
      const octets = new OctetReader(reader.body);
      return { reader, octets, generation: readHeader(await octets.take(headerBytes)) };
    } catch (error) {
      await reader[Symbol.asyncDispose]();
      throw error;
    }
  };

  const generationOf = async (key: string): Promise<Uint8Array | undefined> => {
    const begun = await begin(key, { start: 0, end: headerBytes - 1 });
    await begun?.reader[Symbol.asyncDispose]();
    return begun?.generation;
  };

  return {
    async put(key, body, limits) {
      assertBlobKey(key);
      const { generation, key: dataKey } = await keys.create(key);
      const header = makeHeader(generation);
      const intake = new Intake(body, limits);
      const sealed = sealBody(intake, new ChunkCipher(dataKey), header, limits.maxBytes);
      // If this rejects, the blob may be visible all the same: the collector sees to the row.
      const stored = await inner.put(key, sealed, { maxBytes: sealedSizeOf(limits.maxBytes), hash: false });
      if (!stored.ok) {
        await keys.discard({ blobKey: key, generation });
        return intake.refusal === undefined ? stored : intake.result();
      }
      if (!(await keys.settle({ blobKey: key, generation }, intake.size))) {
        throw new BlobError('BLOB_STORE_UNAVAILABLE', 'the blob was deleted while it was uploaded');
      }
      return intake.result();
    },

    async get(key, range) {
      assertBlobKey(key);
      assertRange(range);
      for (let attempt = 1; attempt <= maxAttempts; attempt++) {
        const opened = await openNow(key, range);
        if (opened !== 'replaced') return opened;
      }
      throw new BlobError('BLOB_STORE_UNAVAILABLE', 'the blob was replaced whenever it was opened');
    },

    async delete(key) {
      assertBlobKey(key);
      await keys.shred(key);
      return await inner.delete(key);
    },

    listPage: (prefix, from) => inner.listPage(prefix, from),

    async formOf(key) {
      const begun = await begin(key, { start: 0, end: headerBytes - 1 });
      await begun?.reader[Symbol.asyncDispose]();
      return begun && (begun.generation === undefined ? 'plain' : 'sealed');
    },

    rewrapDataKeys: (signal) =>
      keys.rewrap((blobKey, err) => {
        deps.log.error({ err, blobKey }, 'a data key could not be wrapped by the current master key');
      }, signal),
    collectDataKeys: (signal) => keys.collect(generationOf, signal),
    dataKeyUsage: () => keys.usage(),
  };

  /** `replaced`: another blob came into its place while this was looking, so it is to look again. */
  async function openNow(
    key: string,
    range: ByteRange | undefined,
  ): Promise<BlobReader | undefined | 'replaced'> {
    // What begins in the first chunk is read in one go, header and all.
    const firstChunk = Math.floor((range?.start ?? 0) / chunkBytes);
    const end = range?.end === undefined ? undefined : sealedEndOf(range.end);
    const begun = await begin(key, firstChunk > 0 ? { start: 0, end: headerBytes - 1 } : toRange(0, end));
    if (begun === undefined) return undefined;
    const { reader, octets, generation } = begun;
    try {
      if (generation === undefined) {
        await reader[Symbol.asyncDispose]();
        return await openPlain(key, range, reader.size);
      }
      const found = await keys.find({ blobKey: key, generation });
      if (found === 'none') {
        await reader[Symbol.asyncDispose]();
        return undefined;
      }
      const size = plainSizeOf(reader.size);
      if (found === 'other' || size === undefined || (found.size ?? size) !== size) throw damaged();
      const part = partOf(size, range);
      const cipher = new ChunkCipher(found.key);
      if (part === undefined || firstChunk === 0) {
        return toReader(reader, size, part, part && openBody({ octets, cipher, size, ...part }));
      }
      await reader[Symbol.asyncDispose]();
      return await getFrom(key, firstChunk, reader.size, end, { cipher, size, ...part });
    } catch (error) {
      await reader[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** A blob with a settled key that does not look encrypted was encrypted once, or has been since this looked. */
  async function openPlain(
    key: string,
    range: ByteRange | undefined,
    size: number,
  ): Promise<BlobReader | undefined | 'replaced'> {
    if (await keys.hasSettled(key)) {
      if ((await generationOf(key)) !== undefined) return 'replaced';
      throw damaged();
    }
    const reader = await inner.get(key, range);
    // Encrypted in the meantime, it would be longer.
    if (reader === undefined || reader.size === size) return reader;
    await reader[Symbol.asyncDispose]();
    return 'replaced';
  }

  /** A part that begins after the first chunk: the header was read before. */
  async function getFrom(
    key: string,
    firstChunk: number,
    sealedSize: number,
    end: number | undefined,
    part: { cipher: ChunkCipher; size: number; start: number; end: number },
  ): Promise<BlobReader> {
    const reader = await inner.get(key, toRange(headerBytes + firstChunk * sealedChunkBytes, end));
    if (reader?.size !== sealedSize) {
      await reader?.[Symbol.asyncDispose]();
      throw new BlobError('BLOB_STORE_UNAVAILABLE', 'the blob was deleted or replaced while it was opened');
    }
    return toReader(reader, part.size, part, openBody({ octets: new OctetReader(reader.body), ...part }));
  }
}

function toRange(start: number, end: number | undefined): ByteRange {
  return end === undefined ? { start } : { start, end };
}

/** The last octet of the chunk that holds octet `end` of the blob, if that chunk is full. */
function sealedEndOf(end: number): number {
  return headerBytes + (Math.floor(end / chunkBytes) + 1) * sealedChunkBytes - 1;
}

function toReader(
  inner: BlobReader,
  size: number,
  part: { readonly start: number; readonly end: number } | undefined,
  body: AsyncIterable<Uint8Array> = nothing(),
): BlobReader {
  return {
    size,
    range: part && { start: part.start, end: part.end },
    body,
    [Symbol.asyncDispose]: async () => await inner[Symbol.asyncDispose](),
  };
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
