/** TupleHashXOF256 on @noble/hashes: the reference. Its 64-bit words are pairs of 32-bit ones, some twenty times slower than the kernel's. */
import { tuplehash256xof } from '@noble/hashes/sha3-addons.js';
import type { TupleHash } from '../tuple-hash.ts';

export function createNobleTupleHash(): TupleHash {
  return {
    customized: (customization) => (parts, length) =>
      tuplehash256xof([...parts], { personalization: customization, dkLen: length }),
  };
}
