/**
 * The encrypted form of an attachment: STREAM (Hoang, Reyhanitabar, Rogaway, Vizár, CRYPTO 2015) over
 * ChaCha20-Poly1305 in chunks of 64 KiB, with a fresh random key per attachment.
 *
 *     chunk i:  AEAD(key, nonce = i (11 bytes, big-endian) ‖ final flag (1 byte), 65,536 plaintext bytes)   + 16 bytes tag
 *
 * Every chunk but the last is full; the last is marked, so a cut, reordered or extended file does not open. The
 * plaintext is the content and zeros up to its Padmé size, so that the stored size says little about the real one.
 * Pure transforms: `attachment-transfer.ts` moves the bytes.
 */
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { concatBytes } from '../encoding/bytes.ts';
import { ConclaveError } from '../errors/conclave-error.ts';

export const chunkBytes = 65_536;
const tagBytes = 16;
const minPaddedBytes = 1_024;

/** Padmé (Nikitin et al., PETS 2019) from 1 KiB upwards: at most 12 % more bytes. */
export function paddedBytes(size: number): number {
  if (size <= minPaddedBytes) return minPaddedBytes;
  const exponent = Math.floor(Math.log2(size));
  const step = 2 ** (exponent - (Math.floor(Math.log2(exponent)) + 1));
  return Math.ceil(size / step) * step;
}

/** The size as stored, in bytes, of a content of `size` bytes. */
export function encryptedBytes(size: number): number {
  const padded = paddedBytes(size);
  return padded + tagBytes * Math.ceil(padded / chunkBytes);
}

/** Encrypts exactly `size` bytes of `source`. Throws `MISUSE` if there are more or fewer. */
export async function* encryptChunks(
  source: AsyncIterable<Uint8Array>,
  size: number,
  key: Uint8Array,
): AsyncGenerator<Uint8Array> {
  const padded = paddedBytes(size);
  let index = 0;
  let read = 0;
  for await (const chunk of rechunk(padWithZeros(source, size, padded))) {
    read += chunk.length;
    yield chacha20poly1305(key, nonceOf(index++, read === padded)).encrypt(chunk);
  }
}

/** Yields authenticated content only, in order; throws `ATTACHMENT_DAMAGED` as soon as something is wrong. */
export async function* decryptChunks(
  source: AsyncIterable<Uint8Array>,
  size: number,
  key: Uint8Array,
): AsyncGenerator<Uint8Array> {
  const padded = paddedBytes(size);
  let index = 0;
  let opened = 0;
  for await (const box of rechunk(source, chunkBytes + tagBytes)) {
    const isFinal = opened + box.length - tagBytes >= padded;
    let chunk: Uint8Array;
    try {
      chunk = chacha20poly1305(key, nonceOf(index++, isFinal)).decrypt(box);
    } catch (error) {
      throw damaged('A chunk does not authenticate', error);
    }
    const content = chunk.subarray(0, Math.max(0, size - opened));
    opened += chunk.length;
    if (opened > padded) throw damaged('There are more bytes than described');
    if (content.length > 0) yield content;
  }
  if (opened !== padded) throw damaged('The file ends early');
}

function damaged(message: string, cause?: unknown): ConclaveError {
  return new ConclaveError('ATTACHMENT_DAMAGED', message, { cause });
}

function nonceOf(index: number, isFinal: boolean): Uint8Array {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setUint32(7, index);
  nonce[11] = isFinal ? 1 : 0;
  return nonce;
}

async function* padWithZeros(
  source: AsyncIterable<Uint8Array>,
  size: number,
  padded: number,
): AsyncGenerator<Uint8Array> {
  let read = 0;
  for await (const part of source) {
    read += part.length;
    if (read > size) break;
    yield part;
  }
  if (read !== size)
    throw new ConclaveError('MISUSE', 'The content does not have the size that was announced');
  for (let left = padded - size; left > 0; left -= chunkBytes)
    yield new Uint8Array(Math.min(left, chunkBytes));
}

/** The same bytes in pieces of exactly `pieceBytes`, the last one shorter if need be. */
async function* rechunk(
  source: AsyncIterable<Uint8Array>,
  pieceBytes = chunkBytes,
): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let held = 0;
  for await (const part of source) {
    parts.push(part);
    held += part.length;
    if (held < pieceBytes) continue;
    const joined = concatBytes(...parts);
    let at = 0;
    for (; joined.length - at >= pieceBytes; at += pieceBytes) yield joined.subarray(at, at + pieceBytes);
    parts = [joined.slice(at)];
    held = joined.length - at;
  }
  if (held > 0) yield concatBytes(...parts);
}
