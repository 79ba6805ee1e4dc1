/** The protocol's extendable-output function: TupleHashXOF256 (NIST SP 800-185), which separates its parts by length. */
import { tuplehash256xof } from '@noble/hashes/sha3-addons.js';
import { labelBytes } from './label.ts';

/** `length` bytes of TupleHashXOF256(parts), customised with "conclave/1 " || label. */
export function xof(label: string, parts: readonly Uint8Array[], length: number): Uint8Array {
  return tuplehash256xof([...parts], { personalization: labelBytes(label), dkLen: length });
}
