/** The shape that `Ristretto255.weightedSum` takes. */
import type { LinearCombination, Scalar } from './ristretto255.ts';

/** Throws on unequal lengths, which are caller misuse. */
export function checkCombinations(
  combinations: readonly LinearCombination[],
  weights: readonly Scalar[],
): void {
  if (combinations.length !== weights.length) throw new RangeError('one weight per combination');
  if (combinations.some(({ points, scalars }) => points.length !== scalars.length))
    throw new RangeError('one scalar per point');
}
