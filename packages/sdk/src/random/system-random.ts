/** The platform's cryptographically secure randomness; works in Node, browsers and workers. */
import type { RandomSource } from '@conclave/ristretto';
import { randomBytes } from '@noble/hashes/utils.js';

export function createSystemRandom(): RandomSource {
  return { bytes: (length) => randomBytes(length) };
}
