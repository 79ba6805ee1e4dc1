/**
 * The slow search for a cheater's digits, as a task that may run elsewhere: in a worker, so that whoever met a cheater stays
 * usable meanwhile. It is given the digits' points and answers with numbers; what they amount to is checked against the published
 * key by whoever asked (`finishSearch`), so the answer needs no trust.
 */
import type { SmallLogProgress } from '@conclave/ristretto';
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import type { Suite } from '../suite.ts';
import { digitBound, digitCount } from './parameters.ts';

/**
 * `points`: m_j * H of the 16 digits, encoded, 512 octets. Who finds the digits knows this one sealed secret, and nothing of the
 * secret that opened it. Overwritten by its owner afterwards.
 */
export interface DigitSearch {
  readonly points: Uint8Array;
}

/** One number a digit; undefined where none within the bound was found. */
export type FoundDigits = readonly (number | undefined)[];

/** Rejects when `signal` fires, or when it cannot run; then nothing has changed. */
export type SlowSearch = (search: DigitSearch, signal?: AbortSignal) => Promise<FoundDigits>;

/**
 * Each step takes some ten milliseconds; the digits are the generator's return value. Only for sealed secrets whose proof was
 * verified: otherwise it ends without success after 2^34 candidates.
 */
export function* searchDigits(
  suite: Suite,
  { points }: DigitSearch,
): Generator<SmallLogProgress, FoundDigits> {
  // The identity among them is the digit zero.
  const digits = suite.group.decodePoints(points);
  if (digits?.length !== digitCount) throw new RangeError('a search is for the points of 16 digits');
  return yield* suite.digitLog.search(digits, { maxAbs: digitBound });
}

/** To its end, at once. */
export function searchInPlace(suite: Suite, search: DigitSearch): FoundDigits {
  const steps = searchDigits(suite, search);
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  return step.value;
}

/** Digits that may count; whoever searched may be wrong. */
export function checkFound(found: FoundDigits): Result<readonly number[]> {
  const isDigit = (digit: number | undefined): digit is number =>
    Number.isSafeInteger(digit) && Math.abs(digit!) <= digitBound;
  return found.length === digitCount && found.every(isDigit)
    ? accept(found)
    : violation('sealing/shortness', 'a digit beyond the bound');
}
