/** Randomness that repeats: SHAKE-like stream from a seed, for vectors and properties. Never for anything real. */
import { sha256 } from '@noble/hashes/sha2.js';
import type { RandomSource } from '@conclave/ristretto';

export function seededRandom(seed: string): RandomSource {
  const encoder = new TextEncoder();
  let block = 0;
  return {
    bytes(length) {
      const bytes = new Uint8Array(length);
      for (let at = 0; at < length; at += 32) {
        bytes.set(sha256(encoder.encode(`${seed}/${block++}`)).subarray(0, Math.min(32, length - at)), at);
      }
      return bytes;
    },
  };
}
