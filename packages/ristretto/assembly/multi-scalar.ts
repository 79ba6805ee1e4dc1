/**
 * Multi-scalar multiplication of public data, in variable time: Straus' method for few points, Pippenger's for many.
 */
import { pointSetIdentity } from './edwards';
import { pairPippenger } from './pair-pippenger';
import { pippenger } from './pippenger';
import { straus } from './straus';

/** From here on Pippenger is faster, and Pippenger on pairs: measured, `bench/kernel.ts`. */
const pippengerFrom: i32 = 120;
const pairsFrom: i32 = 12;

/** out = sum of scalars[i] * points[i], i < count. `points` is overwritten. */
export function multiScalarMultiply(out: usize, points: usize, scalars: usize, count: i32): void {
  if (count == 0) pointSetIdentity(out);
  else if (ASC_FEATURE_RELAXED_SIMD && count >= pairsFrom) pairPippenger(out, points, scalars, count);
  else if (count < pippengerFrom) straus(out, points, scalars, count);
  else pippenger(out, points, scalars, count);
}
