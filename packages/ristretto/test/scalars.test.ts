/** The scalar field at its edges, and its bulk operations against their definitions. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Scalar } from '../src/index.ts';
import { engines } from './engines.ts';
import { scalarArbitrary } from './scalar-arbitrary.ts';

const order = 2n ** 252n + 27742317777372353535851937790883648493n;

function bytesOf(value: bigint, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
}

function valueOf(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

describe.each(engines)('%s', (_, group) => {
  const { scalars } = group;
  const scalar = scalarArbitrary(group);

  describe('scalars', () => {
    it('are canonical below the order only', () => {
      for (const value of [0n, 1n, order - 1n]) {
        expect(scalars.isCanonical(bytesOf(value, 32))).toBe(true);
        expect(scalars.fromBytes(bytesOf(value, 32))).toEqual(bytesOf(value, 32));
      }
      for (const value of [order, order + 1n, 2n ** 255n, 2n ** 256n - 1n]) {
        expect(scalars.isCanonical(bytesOf(value, 32))).toBe(false);
        expect(scalars.fromBytes(bytesOf(value, 32))).toBeUndefined();
      }
      for (const length of [0, 31, 33, 64]) expect(scalars.fromBytes(new Uint8Array(length))).toBeUndefined();
    });

    it('are copies: changing the source changes nothing', () => {
      const bytes = bytesOf(5n, 32);
      const parsed = scalars.fromBytes(bytes)!;
      bytes[0] = 9;
      expect(valueOf(parsed)).toBe(5n);
    });

    it('reduce wide bytes modulo the order', () => {
      fc.assert(
        fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), (bytes) => {
          expect(valueOf(scalars.fromWideBytes(bytes))).toBe(valueOf(bytes) % order);
        }),
        { numRuns: 100, seed: 1 },
      );
      expect(scalars.fromWideBytes(bytesOf(order, 64))).toEqual(scalars.zero);
      expect(valueOf(scalars.fromWideBytes(new Uint8Array(64).fill(255)))).toBe((2n ** 512n - 1n) % order);
      expect(() => scalars.fromWideBytes(new Uint8Array(32))).toThrow(RangeError);
    });

    it('come from safe integers of either sign', () => {
      expect(valueOf(scalars.fromNumber(-1))).toBe(order - 1n);
      expect(valueOf(scalars.fromNumber(Number.MAX_SAFE_INTEGER))).toBe(2n ** 53n - 1n);
      for (const value of [0.5, Number.NaN, 2 ** 53])
        expect(() => scalars.fromNumber(value)).toThrow(RangeError);
    });

    it('form a field', () => {
      fc.assert(
        fc.property(scalar, scalar, (a, b) => {
          const [x, y] = [valueOf(a), valueOf(b)];
          expect(valueOf(scalars.add(a, b))).toBe((x + y) % order);
          expect(valueOf(scalars.subtract(a, b))).toBe((x - y + order) % order);
          expect(valueOf(scalars.multiply(a, b))).toBe((x * y) % order);
          expect(scalars.isZero(scalars.add(a, scalars.negate(a)))).toBe(true);
          const nonZero = scalars.isZero(a) ? scalars.one : a;
          expect(scalars.multiply(nonZero, scalars.invert(nonZero))).toEqual(scalars.one);
          expect(scalars.equals(a, b)).toBe(x === y);
        }),
        { numRuns: 100, seed: 2 },
      );
      expect(() => scalars.invert(scalars.zero)).toThrow('zero has no inverse');
    });
  });

  describe('bulk operations', () => {
    it('give powers, multiples and inner products by definition', () => {
      fc.assert(
        fc.property(scalar, fc.array(scalar, { maxLength: 20 }), (x, values) => {
          const powers = scalars.powers(x, values.length);
          let power = scalars.one;
          let sum = scalars.zero;
          values.forEach((value, i) => {
            expect(powers[i]).toEqual(power);
            sum = scalars.add(sum, scalars.multiply(power, value));
            power = scalars.multiply(power, x);
          });
          expect(scalars.innerProduct(powers, values)).toEqual(sum);
          expect(scalars.scale(values, x)).toEqual(values.map((value) => scalars.multiply(value, x)));
        }),
        { numRuns: 30, seed: 3 },
      );
      expect(() => scalars.innerProduct([scalars.one], [])).toThrow(RangeError);
    });

    it('sum subsets column by column, for any number of rows and columns', () => {
      const shape = fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 40 }));
      const matrix = shape.chain(([rows, columns]) => {
        const rowBytes = Math.ceil(columns / 8);
        return fc.record({
          columns: fc.constant(columns),
          bitRows: fc.array(fc.uint8Array({ minLength: rowBytes, maxLength: rowBytes }), {
            minLength: rows,
            maxLength: rows,
          }),
          weights: fc.array(scalar, { minLength: rows, maxLength: rows }),
        });
      });
      fc.assert(
        fc.property(matrix, ({ columns, bitRows, weights }) => {
          const expected = Array.from({ length: columns }, (_, j) =>
            weights.reduce<Scalar>(
              (sum, weight, k) => ((bitRows[k]![j >> 3]! >> (j & 7)) & 1 ? scalars.add(sum, weight) : sum),
              scalars.zero,
            ),
          );
          expect(scalars.subsetSums(bitRows, weights, columns)).toEqual(expected);
        }),
        { numRuns: 30, seed: 4 },
      );
      expect(() => scalars.subsetSums([new Uint8Array(1)], [scalars.one], 9)).toThrow(RangeError);
      expect(() => scalars.subsetSums([new Uint8Array(1)], [], 8)).toThrow(RangeError);
    });
  });
});
