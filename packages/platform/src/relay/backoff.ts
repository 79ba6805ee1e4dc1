import { randomFraction, type RandomSource } from '../random/random-source.ts';

/**
 * Exponential back-off with "equal jitter": after the n-th failure in a row, between half and the whole of
 * `minBackoffMs * 2^(n-1)`, at most `maxBackoffMs`. The random half spreads those who failed together.
 */
export function backoffMs(
  failures: number,
  limits: { readonly minBackoffMs: number; readonly maxBackoffMs: number },
  random: RandomSource,
): number {
  const ceilingMs = Math.min(limits.maxBackoffMs, limits.minBackoffMs * 2 ** Math.min(failures - 1, 30));
  return Math.round(ceilingMs * (0.5 + randomFraction(random) / 2));
}
