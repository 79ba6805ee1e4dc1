/**
 * The worst that a cheater's digits can cost a receiver (docs/sealed-groups.md §4.4): one digit of a sealed secret just below the bound
 * that a proof allows, found last. The others are zero, because sums of digits are bounded too.
 */
import { digitsOf, type Suite } from '@conclave/sealed-group';
import { digitBound } from '../src/sealing/parameters.ts';
import { searchDigits } from '../src/sealing/slow-search.ts';

export interface SearchCost {
  readonly ms: number;
  /** Of these the steps between which the search can be stopped. */
  readonly steps: number;
  readonly longestStepMs: number;
}

/** The first search builds its table: so it is measured with it. */
export function worstSearch(suite: Suite): SearchCost {
  const { group, messageBase } = suite;
  const worst = digitBound - 1;
  const digits = digitsOf(group.scalars.fromNumber(0) as never).map((_, index) => (index === 3 ? -worst : 0));
  const points = group.encodePoints(
    digits.map((digit) => group.multiply(messageBase, group.scalars.fromNumber(digit))),
  );
  const search = searchDigits(suite, { points });
  const startedMs = performance.now();
  let steps = 0;
  let longestStepMs = 0;
  for (let lastMs = startedMs; ;) {
    const step = search.next();
    const nowMs = performance.now();
    longestStepMs = Math.max(longestStepMs, nowMs - lastMs);
    lastMs = nowMs;
    steps += 1;
    if (step.done !== true) continue;
    if (step.value[3] !== -worst) throw new Error('the search did not find the digit');
    return { ms: nowMs - startedMs, steps, longestStepMs };
  }
}
