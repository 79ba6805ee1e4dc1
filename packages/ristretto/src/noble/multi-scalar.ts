/**
 * Multi-scalar multiplication of public data, in variable time: Straus (the library's, one small table a point, one chain
 * of doublings) for few points, Pippenger's buckets for many.
 *
 * The buckets are our own because the library's use unsigned windows and add empty buckets: signed windows need half
 * the buckets, and for the 650 points of a ten-node sealing proof a quarter fewer additions.
 */
import { mulAddUnsafe } from '@noble/curves/abstract/curve.js';
import type { EdwardsPoint } from '@noble/curves/abstract/edwards.js';
import { ed25519 } from '@noble/curves/ed25519.js';
import type { Scalar } from '../ristretto255.ts';
import { scalarToBigInt } from './noble-scalars.ts';

const Edwards = ed25519.Point;
/** Scalars are below 2^253; one more bit takes the last carry. */
const scalarBits = 254;
/** Up to here Straus needs fewer additions. */
const strausLimit = 160;

/** sum of scalars[i] * points[i]; equally many of both. */
export function multiScalarMultiply(
  points: readonly EdwardsPoint[],
  scalars: readonly Scalar[],
): EdwardsPoint {
  return points.length < strausLimit
    ? mulAddUnsafe(Edwards, [...points], scalars.map(scalarToBigInt))
    : pippenger(points, scalars);
}

function pippenger(points: readonly EdwardsPoint[], scalars: readonly Scalar[]): EdwardsPoint {
  const window = bestWindow(points.length);
  const digits = scalars.map((scalar) => signedDigits(scalar, window));
  let sum = Edwards.ZERO;
  for (let position = Math.ceil(scalarBits / window) - 1; position >= 0; position--) {
    for (let i = 0; i < window; i++) sum = sum.double();
    const buckets: (EdwardsPoint | undefined)[] = Array.from({ length: 2 ** (window - 1) + 1 });
    points.forEach((point, i) => {
      const digit = digits[i]![position]!;
      if (digit === 0) return;
      const term = digit < 0 ? point.negate() : point;
      const bucket = buckets[Math.abs(digit)];
      buckets[Math.abs(digit)] = bucket === undefined ? term : bucket.add(term);
    });
    sum = sum.add(weightedSum(buckets));
  }
  return sum;
}

/** sum of d * buckets[d]: running sums from the top. */
function weightedSum(buckets: readonly (EdwardsPoint | undefined)[]): EdwardsPoint {
  let running: EdwardsPoint | undefined;
  let total = Edwards.ZERO;
  for (let d = buckets.length - 1; d > 0; d--) {
    const bucket = buckets[d];
    if (bucket !== undefined) running = running === undefined ? bucket : running.add(bucket);
    if (running !== undefined) total = total.add(running);
  }
  return total;
}

/** The window with the fewest additions: one a point and two a bucket, for each position. */
function bestWindow(count: number): number {
  const additions = (window: number) => Math.ceil(scalarBits / window) * (count + 2 ** window);
  let best = 4;
  for (let window = 5; window <= 14; window++) if (additions(window) < additions(best)) best = window;
  return best;
}

/** Digits in (-2^(window-1), 2^(window-1)], least significant first. */
function signedDigits(scalar: Scalar, window: number): Int16Array {
  const half = 2 ** (window - 1);
  const digits = new Int16Array(Math.ceil(scalarBits / window));
  let carry = 0;
  for (let position = 0; position < digits.length; position++) {
    const bit = position * window;
    const at = bit >> 3;
    const bytes = (scalar[at] ?? 0) | ((scalar[at + 1] ?? 0) << 8) | ((scalar[at + 2] ?? 0) << 16);
    let digit = ((bytes >> (bit & 7)) & (2 ** window - 1)) + carry;
    carry = digit > half ? 1 : 0;
    digit -= carry * 2 ** window;
    digits[position] = digit;
  }
  return digits;
}
