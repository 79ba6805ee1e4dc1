/**
 * How an encrypted blob lies in its store. Chunks of one size, so that any part can be read alone, and none can be changed,
 * moved, left out or added without being noticed:
 *
 *   header   "CVBLOB01" ‖ generation (16 octets)
 *   chunk 0  AES-256-GCM of octets 0 … 65,535        ciphertext ‖ tag (16 octets)
 *   chunk 1  of octets 65,536 … 131,071
 *   …
 *   chunk n  of the rest: 1 to 65,536 octets, or none if the blob is empty
 *
 *   nonce    number of the chunk (8 octets, big-endian) ‖ 0 0 0 ‖ 1 if it is the last, else 0
 *
 * Each upload has a data key of its own, so the nonces, which count from 0, never meet twice under a key. The number in the
 * nonce fixes a chunk's place; the last octet fixes the end, so that a blob that was cut off or added to at the border of a
 * chunk does not open (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár, 2015). The generation says which
 * data key it is, and the key is bound to it and to the blob's name where it is wrapped (key-wrap.ts): another header has
 * another key.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';

export const chunkBytes = 65_536;
export const generationBytes = 16;
const tagBytes = 16;
const magic = Buffer.from('CVBLOB01', 'ascii');
export const headerBytes = magic.length + generationBytes;
export const sealedChunkBytes = chunkBytes + tagBytes;

/** Octets in the store of a blob of `size`. */
export function sealedSizeOf(size: number): number {
  return headerBytes + size + tagBytes * chunkCountOf(size);
}

/** Octets of the blob that has `sealedSize` in the store; undefined if none has so many. */
export function plainSizeOf(sealedSize: number): number | undefined {
  const chunksBytes = sealedSize - headerBytes;
  const count = Math.ceil(chunksBytes / sealedChunkBytes);
  const size = chunksBytes - count * tagBytes;
  return count >= 1 && size >= 0 && chunkCountOf(size) === count ? size : undefined;
}

/** An empty blob has one empty chunk, which says that it is the last. */
export function chunkCountOf(size: number): number {
  return Math.max(1, Math.ceil(size / chunkBytes));
}

export function makeHeader(generation: Uint8Array): Uint8Array {
  return Buffer.concat([magic, generation]);
}

/** The generation; undefined if this is no header, which is how a blob that was never encrypted is known. */
export function readHeader(header: Uint8Array): Uint8Array | undefined {
  if (header.length !== headerBytes || !magic.equals(header.subarray(0, magic.length))) return undefined;
  return Uint8Array.from(header.subarray(magic.length));
}

export class ChunkCipher {
  readonly #key: Uint8Array;

  /** @param key 32 octets, for one upload alone. */
  constructor(key: Uint8Array) {
    this.#key = key;
  }

  /** Writes `plain.length` and 16 octets into `target` from `offset` on; returns how many. */
  sealInto(index: number, isLast: boolean, plain: Uint8Array, target: Uint8Array, offset: number): number {
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonceOf(index, isLast));
    target.set(cipher.update(plain), offset);
    // GCM holds nothing back.
    cipher.final();
    target.set(cipher.getAuthTag(), offset + plain.length);
    return plain.length + tagBytes;
  }

  /** Undefined if this is not the chunk that was sealed at this place. */
  open(index: number, isLast: boolean, sealed: Uint8Array): Uint8Array | undefined {
    const cipher = createDecipheriv('aes-256-gcm', this.#key, nonceOf(index, isLast), {
      authTagLength: tagBytes,
    });
    cipher.setAuthTag(sealed.subarray(sealed.length - tagBytes));
    const plain = cipher.update(sealed.subarray(0, sealed.length - tagBytes));
    try {
      cipher.final();
    } catch {
      // OpenSSL says no more than that it does not fit.
      return undefined;
    }
    return plain;
  }
}

function nonceOf(index: number, isLast: boolean): Uint8Array {
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64BE(BigInt(index));
  nonce[11] = isLast ? 1 : 0;
  return nonce;
}
