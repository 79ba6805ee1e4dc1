/**
 * HKDF-SHA-256 (RFC 5869) with labels, after RFC 9420 §8's ExpandWithLabel. The info string is
 *
 *     length (2 bytes) ‖ len(label) (4) ‖ "conclave/1 " ‖ label ‖ { len(part) (4) ‖ part } for every context part
 *
 * so that no two (length, label, parts) share one: everything is big-endian and length-prefixed.
 */
import { expand, extract } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { uint32 } from '../hash/index.ts';
import type { ScheduleLabel } from './labels.ts';

const labelPrefix = 'conclave/1 ';

/** Derives `length` bytes (at most 8,160) from a secret of 32 bytes. The caller owns, and wipes, both. */
export function expandLabel(
  secret: Uint8Array,
  label: ScheduleLabel,
  context: readonly Uint8Array[],
  length: number,
): Uint8Array {
  const name = utf8ToBytes(labelPrefix + label);
  const parts = [Uint8Array.of(length >> 8, length & 0xff), uint32(name.length), name];
  for (const part of context) parts.push(uint32(part.length), part);
  return expand(sha256, secret, concatBytes(...parts), length);
}

/** HKDF-Extract(salt, input): 32 bytes. */
export function extractSecret(salt: Uint8Array, input: Uint8Array): Uint8Array {
  return extract(sha256, input, salt);
}
