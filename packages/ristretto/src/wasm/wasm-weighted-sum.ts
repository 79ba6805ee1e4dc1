/**
 * Weighted sums of linear combinations: everything that verification multiplies, copied into linear memory once. Coefficients are
 * put together there, and what comes out is one multi-scalar multiplication.
 */
import { checkCombinations } from '../check-combinations.ts';
import type { LinearCombination, Point, Scalar } from '../ristretto255.ts';
import type { Kernel } from './kernel.ts';
import { pointBytes, unwrapPoint } from './wasm-point.ts';
import { scalarBytes } from './wasm-scalars.ts';

/** Writes the sum to `result`. Within a call of the kernel. */
export function weightedSum(
  kernel: Kernel,
  result: number,
  combinations: readonly LinearCombination[],
  weights: readonly Scalar[],
): void {
  checkCombinations(combinations, weights);
  const { exports } = kernel;
  const { points, indices } = distinctPoints(combinations);
  const sums = kernel.allocate(points.length * scalarBytes);
  kernel.bytes.fill(0, sums, sums + points.length * scalarBytes);
  let at = kernel.put(new Uint8Array(indices.buffer));
  combinations.forEach(({ scalars }, k) => {
    const values = kernel.putAll(scalars, scalarBytes);
    exports.scalarAccumulate(sums, at, values, scalars.length, kernel.put(weights[k]!));
    at += 4 * scalars.length;
  });
  const copies = kernel.putAll(points.map(unwrapPoint), pointBytes);
  exports.multiScalarMultiply(result, copies, sums, points.length);
}

/** Every point object once, and for each term of all combinations in order which one it is. */
function distinctPoints(combinations: readonly LinearCombination[]): {
  points: Point[];
  indices: Int32Array;
} {
  const terms = combinations.reduce((sum, { points }) => sum + points.length, 0);
  const indices = new Int32Array(terms);
  const indexByPoint = new Map<Point, number>();
  const points: Point[] = [];
  let term = 0;
  for (const combination of combinations) {
    for (const point of combination.points) {
      let index = indexByPoint.get(point);
      if (index === undefined) {
        index = points.push(point) - 1;
        indexByPoint.set(point, index);
      }
      indices[term++] = index;
    }
  }
  return { points, indices };
}
