import { randomBytes } from 'node:crypto';
import type { RandomSource } from './random-source.ts';

/** The operating system's generator, by way of OpenSSL. Blocks only before the system has gathered entropy. */
export const systemRandom: RandomSource = {
  bytes(length) {
    // A copy out of Node's shared pool: the caller owns the whole buffer and may wipe it.
    return Uint8Array.from(randomBytes(length));
  },
};
