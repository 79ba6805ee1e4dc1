/** Exponential back-off with full jitter (each delay uniform in [0, cap)), so that clients that failed together do not return together. */
import type { RandomSource } from '@conclave/ristretto';

export interface BackoffOptions {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** The delay before try number `attempt + 1`; attempts count from 0. */
export function backoffDelayMs(
  attempt: number,
  { baseMs, maxMs }: BackoffOptions,
  random: RandomSource,
): number {
  const cap = Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 20));
  const [a, b, c, d] = random.bytes(4) as unknown as [number, number, number, number];
  return (cap * (a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d)) / 2 ** 32;
}
