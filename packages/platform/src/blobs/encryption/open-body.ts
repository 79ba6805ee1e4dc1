import { BlobError } from '../blob-store.ts';
import { chunkBytes, chunkCountOf, sealedChunkBytes, type ChunkCipher } from './sealed-format.ts';

/** Reads octets of a body in the amounts that are asked for. */
export class OctetReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(body: AsyncIterable<Uint8Array>) {
    this.#chunks = body[Symbol.asyncIterator]();
  }

  /** `count` octets, or fewer when the body ends before. */
  async take(count: number): Promise<Uint8Array> {
    const taken = Buffer.allocUnsafe(count);
    let filled = 0;
    while (filled < count) {
      if (this.#rest.length === 0) {
        const next = await this.#chunks.next();
        if (next.done === true) break;
        this.#rest = next.value;
      }
      const part = this.#rest.subarray(0, count - filled);
      taken.set(part, filled);
      filled += part.length;
      this.#rest = this.#rest.subarray(part.length);
    }
    return taken.subarray(0, filled);
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}

export interface OpenedPart {
  /** Stands at the beginning of the chunk that holds `start`. */
  readonly octets: OctetReader;
  readonly cipher: ChunkCipher;
  /** Of the whole blob. */
  readonly size: number;
  readonly start: number;
  readonly end: number;
}

/** Octets `start` to `end` of the blob, chunk by chunk, each of them after it was found to be genuine. */
export async function* openBody({
  octets,
  cipher,
  size,
  start,
  end,
}: OpenedPart): AsyncGenerator<Uint8Array> {
  const lastIndex = chunkCountOf(size) - 1;
  try {
    for (let index = Math.floor(start / chunkBytes); index <= Math.max(0, end) / chunkBytes; index++) {
      const isLast = index === lastIndex;
      const length = isLast ? size - index * chunkBytes : chunkBytes;
      const sealedLength = length + (sealedChunkBytes - chunkBytes);
      const sealed = await octets.take(sealedLength);
      const plain = sealed.length === sealedLength ? cipher.open(index, isLast, sealed) : undefined;
      if (plain === undefined) throw damaged();
      const from = Math.max(0, start - index * chunkBytes);
      const part = plain.subarray(from, end - index * chunkBytes + 1);
      if (part.length > 0) yield part;
    }
  } finally {
    await octets.close();
  }
}

export function damaged(): BlobError {
  return new BlobError('BLOB_DAMAGED', 'what is stored is not what was put');
}
