import { expect, test } from 'vitest';
import { createTraceBudget } from './trace-budget.ts';

test('gives the burst at once, then its rate, and saves up no more than the burst', () => {
  const budget = createTraceBudget({ burst: 3, perSecond: 2 });
  const take = (nowMs: number, times: number) =>
    Array.from({ length: times }, () => budget.take(nowMs)).filter(Boolean).length;
  expect(take(0, 10)).toBe(3);
  expect(take(499, 10)).toBe(0);
  expect(take(500, 10)).toBe(1);
  expect(take(1_500, 10)).toBe(2);
  expect(take(1_000_000, 10)).toBe(3);
  // A monotonic clock does not step back; if it does all the same, nothing is given for it.
  expect(take(999_000, 10)).toBe(0);
  expect(take(1_000_000, 10)).toBe(2);
});
