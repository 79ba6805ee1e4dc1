/**
 * What the server gives out and recognises again without keeping it: an expiry and other fields followed by a MAC over
 * them, the origin and the group. The key is the server's, 32 bytes or more, made at its first start.
 */
import { equalBytes } from '@noble/ciphers/utils.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { hashTuple } from '../hash/index.ts';

export interface MacInput {
  readonly key: Uint8Array;
  /** Separates uses of the key. */
  readonly label: 'read-challenge' | 'read-token';
  readonly origin: string;
  readonly groupId: Uint8Array;
  readonly fields: Uint8Array;
}

const macBytes = 32;

export function appendMac(input: MacInput): Uint8Array {
  return concatBytes(input.fields, macOf(input));
}

/** The fields if `bytes` holds `fieldsBytes` of them with the right MAC; compares in constant time. */
export function checkMac(
  input: Omit<MacInput, 'fields'>,
  bytes: Uint8Array,
  fieldsBytes: number,
): Uint8Array | undefined {
  if (bytes.length !== fieldsBytes + macBytes) return undefined;
  const fields = bytes.slice(0, fieldsBytes);
  return equalBytes(macOf({ ...input, fields }), bytes.subarray(fieldsBytes)) ? fields : undefined;
}

/** A number of at most 53 bits from 8 bytes that the server itself wrote. */
export function readUint64(bytes: Uint8Array, offset: number): number {
  return Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(offset));
}

function macOf({ key, label, origin, groupId, fields }: MacInput): Uint8Array {
  return hmac(sha256, key, hashTuple(label, utf8ToBytes(origin), groupId, fields));
}
