import type { RandomSource } from '@conclave/ristretto';

export type { RandomSource };

/** A number in [0, 1), uniform over 2^48 values: for jitter, not for keys. */
export function randomFraction(random: RandomSource): number {
  let value = 0;
  for (const byte of random.bytes(6)) value = value * 256 + byte;
  return value / 2 ** 48;
}
