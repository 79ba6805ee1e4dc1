/**
 * Randomness in the small pieces that a verifier's weights are (16 octets an equation): taken from the system's generator
 * some thousand octets at a time, each octet given out once.
 */
import { randomFillSync } from 'node:crypto';
import type { RandomSource } from '@conclave/ristretto';

const poolBytes = 8_192;

export function createRandomWeights(): RandomSource {
  const pool = new Uint8Array(poolBytes);
  let used = poolBytes;
  return {
    bytes(length) {
      if (length > poolBytes) return randomFillSync(new Uint8Array(length));
      if (used + length > poolBytes) {
        randomFillSync(pool);
        used = 0;
      }
      used += length;
      return pool.slice(used - length, used);
    },
  };
}
