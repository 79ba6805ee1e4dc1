/**
 * Blobs that the first release with encryption at rest has written (fixtures/sealed-blobs.json): their ring, their rows and what lay
 * in the store. It wrote them with these octets and this randomness; the file is never made anew.
 */
import { createHash } from 'node:crypto';
import type { RandomSource } from '@conclave/platform';

export interface SealedBlobsFixture {
  readonly masterKeys: unknown;
  readonly blobs: readonly {
    readonly key: string;
    readonly size: number;
    readonly row: { readonly generation: string; readonly master_key_id: string; readonly wrapped: string };
    /** SHA-256 of what lay in the store. */
    readonly sealedSha256: string;
    /** What lay there itself, in base64; of small ones only. */
    readonly sealed?: string;
  }[];
}

/** Different everywhere, and the same each time. */
export function fixtureOctets(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size; at += 32) createHash('sha256').update(`fixture ${at}`).digest().copy(bytes, at);
  return bytes;
}

/** The same octets each time, so that the same code writes the same. */
export function fixtureRandom(): RandomSource {
  let calls = 0;
  return {
    bytes(count) {
      const seed = createHash('sha256').update(`random ${calls++}`).digest();
      return Uint8Array.from(seed.subarray(0, count));
    },
  };
}
