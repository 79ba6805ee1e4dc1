/**
 * SHA-256 on Node: one call of `node:crypto` (`#sha256` in package.json; `src/hash/sha256.ts` elsewhere).
 *
 * The digest comes as a string of 32 characters because that is fastest: a `Buffer` lies outside of the
 * JavaScript heap, and allocating it takes longer than hashing 200 bytes.
 */
import { hash } from 'node:crypto';

const digestBytes = 32;

/** 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  const characters = hash('sha256', bytes, 'binary');
  const digest = new Uint8Array(digestBytes);
  for (let i = 0; i < digestBytes; i++) digest[i] = characters.charCodeAt(i);
  return digest;
}
