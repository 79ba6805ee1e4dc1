/**
 * What a blob store gives back is compared with the size and hash that the uploader has proven and the row has kept:
 *
 *   store ─▶ chunk ─▶ hash ─▶ held until the next one comes ─▶ client
 *                       └ after the last: not the proven hash ─▶ BLOB_DAMAGED, and the last chunk is not sent
 *
 * So a client is never left with as many octets as were announced and none the wiser: the connection is cut before.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { BlobError, type BlobReader } from '@conclave/platform';

export interface ProvenOctets {
  readonly size: number;
  readonly sha256: Uint8Array;
}

/** The reader of a whole blob, verified while it is read. Throws {@link BlobError} `BLOB_DAMAGED`, and disposes of it then. */
export async function verifyDownload(reader: BlobReader, proven: ProvenOctets): Promise<BlobReader> {
  if (reader.size !== proven.size) {
    await reader[Symbol.asyncDispose]();
    throw damaged();
  }
  return {
    size: reader.size,
    range: reader.range,
    body: verified(reader.body, proven),
    [Symbol.asyncDispose]: async () => await reader[Symbol.asyncDispose](),
  };
}

async function* verified(body: AsyncIterable<Uint8Array>, proven: ProvenOctets): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let size = 0;
  let held: Uint8Array | undefined;
  for await (const chunk of body) {
    if (held !== undefined) yield held;
    hash.update(chunk);
    size += chunk.length;
    held = chunk;
  }
  if (size !== proven.size || !timingSafeEqual(hash.digest(), proven.sha256)) throw damaged();
  if (held !== undefined) yield held;
}

function damaged(): BlobError {
  return new BlobError('BLOB_DAMAGED', 'the store gives back something else than was put');
}
