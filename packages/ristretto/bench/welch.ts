/**
 * Welch's t statistic on timings, as in "Dude, is my code constant time?" (Reparaz, Balasch, Verbauwhede 2017): the timings of two
 * classes of inputs, also with the slow tail cropped at several percentiles of the pool, because interruptions hide
 * small differences. |t| above 4.5 is taken as evidence of a difference.
 */

/** The t of largest magnitude over all crops. */
export function largestT(first: readonly number[], second: readonly number[]): number {
  const pool = [...first, ...second].sort((a, b) => a - b);
  const limits = [0.5, 0.75, 0.9, 0.97, 1].map((part) => pool[Math.floor(part * (pool.length - 1))] ?? 0);
  const values = limits.map((limit) =>
    welchT(
      first.filter((time) => time <= limit),
      second.filter((time) => time <= limit),
    ),
  );
  return values.reduce((largest, t) => (Math.abs(t) > Math.abs(largest) ? t : largest), 0);
}

function welchT(first: readonly number[], second: readonly number[]): number {
  const [a, b] = [momentsOf(first), momentsOf(second)];
  return (a.mean - b.mean) / Math.sqrt(a.variance / first.length + b.variance / second.length);
}

function momentsOf(values: readonly number[]): { mean: number; variance: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, variance: squares / (values.length - 1) };
}
