/**
 * `hashTuple`: SHA-256 over a labelled tuple of byte strings, each preceded by its length, so that no two different
 * tuples hash the same bytes. For body hashes, tree hashes, transcript hashes and contexts.
 *
 * The tuple is written into one buffer and hashed by one call, because a tree of a million members hashes two million
 * tuples: incremental hashing would cost more in calls than in compressions.
 */
import { sha256 } from '#sha256';
import { labelBytes, uint32, writeUint32 } from './label.ts';

/** Tuples up to this size are put together in one buffer that all calls share. Parts may be secrets: what was hashed is overwritten. */
const sharedBytes = 4096;
const shared = new Uint8Array(sharedBytes);
/** len(label) || label by label: as many as the protocol has labels. */
const startByLabel = new Map<string, Uint8Array>();

/**
 *   SHA-256( len("conclave/1 " || label) || "conclave/1 " || label || len(part) || part || ... )
 *
 * with lengths as 4 bytes big-endian. 32 bytes. Labels are constants: what they encode to is kept.
 */
export function hashTuple(label: string, ...parts: readonly Uint8Array[]): Uint8Array {
  const start = startOf(label);
  let length = start.length;
  for (const part of parts) length += 4 + part.length;
  const isShared = length <= sharedBytes;
  const buffer = isShared ? shared : new Uint8Array(length);

  buffer.set(start);
  let offset = start.length;
  for (const part of parts) {
    writeUint32(buffer, offset, part.length);
    buffer.set(part, offset + 4);
    offset += 4 + part.length;
  }
  const digest = sha256(isShared ? buffer.subarray(0, length) : buffer);
  buffer.fill(0, 0, length);
  return digest;
}

function startOf(label: string): Uint8Array {
  const known = startByLabel.get(label);
  if (known !== undefined) return known;
  const bytes = labelBytes(label);
  const start = new Uint8Array(4 + bytes.length);
  start.set(uint32(bytes.length));
  start.set(bytes, 4);
  startByLabel.set(label, start);
  return start;
}
