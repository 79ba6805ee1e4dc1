/** Properties of the group operations and of the multi-scalar multiplication. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Point, Scalar } from '../src/index.ts';
import { engines } from './engines.ts';
import { scalarArbitrary } from './scalar-arbitrary.ts';

describe.each(engines)('%s', (_, group) => {
  const { scalars } = group;
  const scalar = scalarArbitrary(group);

  const pointOf = (k: Scalar) => group.multiplyGenerator(k);

  function naiveSum(points: readonly Point[], coefficients: readonly Scalar[]): Point {
    return points.reduce(
      (sum, point, i) => group.add(sum, group.multiply(point, coefficients[i]!)),
      group.identity,
    );
  }

  describe('group operations', () => {
    it('multiply homomorphically, whichever way', () => {
      fc.assert(
        fc.property(scalar, scalar, (a, b) => {
          const product = pointOf(scalars.multiply(a, b));
          expect(group.equals(group.multiply(pointOf(a), b), product)).toBe(true);
          expect(group.equals(group.fixedBase(pointOf(a)).multiply(b), product)).toBe(true);
          expect(group.equals(pointOf(scalars.add(a, b)), group.add(pointOf(a), pointOf(b)))).toBe(true);
          expect(group.equals(pointOf(scalars.subtract(a, b)), group.subtract(pointOf(a), pointOf(b)))).toBe(
            true,
          );
          expect(group.isIdentity(group.add(pointOf(a), group.negate(pointOf(a))))).toBe(true);
        }),
        { numRuns: 15, seed: 1 },
      );
    });

    it('multiply fixed bases by scalars with a public bound, up to the bound', () => {
      const table = group.fixedBase(pointOf(scalars.fromNumber(12_345)));
      for (const bits of [0, 1, 3, 4, 5, 8, 16, 33, 34, 52]) {
        for (const value of [0, 1, Math.floor(2 ** (bits - 1)), 2 ** bits - 1].filter((n) => n < 2 ** bits)) {
          const small = scalars.fromNumber(value);
          expect(group.equals(table.multiply(small, bits), table.multiply(small))).toBe(true);
        }
        expect(() => table.multiply(scalars.fromNumber(2 ** bits), bits)).toThrow('larger than said');
      }
      const largest = scalars.negate(scalars.one);
      expect(group.equals(table.multiply(largest, 253), table.multiply(largest))).toBe(true);
      for (const bits of [-1, 254, 0.5]) expect(() => table.multiply(scalars.zero, bits)).toThrow(RangeError);
    });

    it('encode equal points equally, and decode what they encode', () => {
      fc.assert(
        fc.property(scalar, scalar, (a, b) => {
          // The same element by two routes: different representatives inside.
          const one = group.add(pointOf(a), pointOf(b));
          const other = group.decodePoint(group.encodePoint(pointOf(scalars.add(a, b))))!;
          expect(group.encodePoint(one)).toEqual(group.encodePoint(other));
          expect(group.equals(one, other)).toBe(true);
          expect(group.decodePoints(group.encodePoints([one, other]))!.length).toBe(2);
        }),
        { numRuns: 15, seed: 2 },
      );
    });

    it('know the identity however it came about', () => {
      const decoded = group.decodePoint(new Uint8Array(32))!;
      expect(group.isIdentity(decoded)).toBe(true);
      expect(group.isIdentity(group.multiply(group.generator, scalars.zero))).toBe(true);
      expect(group.isIdentity(group.fixedBase(group.generator).multiply(scalars.zero))).toBe(true);
      expect(group.isIdentity(group.multiply(decoded, scalars.fromNumber(7)))).toBe(true);
      expect(group.isIdentity(group.fixedBase(decoded).multiply(scalars.fromNumber(7)))).toBe(true);
      expect(group.isIdentity(group.generator)).toBe(false);
      expect(group.encodePoint(group.identity)).toEqual(new Uint8Array(32));
    });
  });

  describe('multi-scalar multiplication', () => {
    it('agrees with naive sums, zeros, ones and repeated points included', () => {
      fc.assert(
        fc.property(fc.array(fc.tuple(scalar, scalar), { maxLength: 12 }), (terms) => {
          const points = terms.map(([a]) => pointOf(a));
          const coefficients = terms.map(([, b]) => b);
          expect(
            group.equals(group.multiScalarMultiply(points, coefficients), naiveSum(points, coefficients)),
          ).toBe(true);
        }),
        { numRuns: 10, seed: 3 },
      );
    });

    it('agrees with the sum of products at every size where the method changes', () => {
      for (const size of [0, 1, 159, 160, 161, 700]) {
        const a = Array.from({ length: size }, (_, i) => scalars.fromNumber(i * i + 1));
        const b = scalars.powers(scalars.negate(scalars.fromNumber(3)), size);
        const result = group.multiScalarMultiply(a.map(pointOf), b);
        expect(group.equals(result, pointOf(scalars.innerProduct(a, b)))).toBe(true);
      }
    });

    it('agrees for many points with edge scalars: zero, one, minus one, all bits of a window', () => {
      const edges = [0, 1, -1, 2, -2, 2 ** 32 - 1, 2 ** 31, -(2 ** 31)].map((value) =>
        scalars.fromNumber(value),
      );
      const b = Array.from({ length: 300 }, (_, i) => edges[i % edges.length]!);
      const a = scalars.powers(scalars.fromNumber(5), 300);
      const result = group.multiScalarMultiply(a.map(pointOf), b);
      expect(group.equals(result, pointOf(scalars.innerProduct(a, b)))).toBe(true);
      const zeros = a.map(() => scalars.zero);
      expect(group.isIdentity(group.multiScalarMultiply(a.map(pointOf), zeros))).toBe(true);
    });

    it('weighs combinations that share points as one sum', () => {
      const [p, q, r] = scalars.powers(scalars.fromNumber(11), 3).map(pointOf);
      const [a, b, c, d, e, v, w] = scalars.powers(scalars.fromNumber(-7), 7);
      const combinations = [
        { points: [p!, q!, p!], scalars: [a!, b!, c!] },
        { points: [], scalars: [] },
        { points: [r!, p!], scalars: [d!, e!] },
      ];
      const naive = (terms: readonly [Point, Scalar, Scalar][]) =>
        terms
          .map(([point, scalar, weight]) => group.multiply(point, scalars.multiply(scalar, weight)))
          .reduce((sum, term) => group.add(sum, term), group.identity);
      const expected = naive([
        [p!, a!, v!],
        [q!, b!, v!],
        [p!, c!, v!],
        [r!, d!, w!],
        [p!, e!, w!],
      ]);
      const sum = group.weightedSum(combinations, [v!, scalars.one, w!]);
      expect(group.encodePoint(sum)).toEqual(group.encodePoint(expected));
      expect(group.isIdentity(group.weightedSum([], []))).toBe(true);
    });

    it('refuses vectors of unequal length', () => {
      const lopsided = { points: [group.generator], scalars: [] };
      expect(() => group.multiScalarMultiply([group.generator], [])).toThrow(RangeError);
      expect(() => group.weightedSum([lopsided], [scalars.one])).toThrow(RangeError);
      expect(() => group.weightedSum([], [scalars.one])).toThrow(RangeError);
    });
  });
});
