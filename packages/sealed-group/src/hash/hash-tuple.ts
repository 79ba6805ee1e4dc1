/**
 * `hashTuple`: SHA-256 over a labelled tuple of byte strings, each preceded by its length, so that no two different
 * tuples hash the same bytes. For body hashes, tree hashes, transcript hashes and contexts.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { labelBytes, uint32 } from './label.ts';

/**
 *   SHA-256( len("conclave/1 " || label) || "conclave/1 " || label || len(part) || part || ... )
 *
 * with lengths as 4 bytes big-endian. 32 bytes.
 */
export function hashTuple(label: string, ...parts: readonly Uint8Array[]): Uint8Array {
  const hash = sha256.create();
  for (const part of [labelBytes(label), ...parts]) hash.update(uint32(part.length)).update(part);
  return hash.digest();
}
