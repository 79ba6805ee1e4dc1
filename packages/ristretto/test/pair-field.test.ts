/** Arithmetic on pairs (`assembly/pair-field.ts`) against BigInt, at the bounds of its limbs. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Kernel } from '../src/wasm/kernel.ts';
import { fusedModule, kernelModule } from './engines.ts';

const p = 2n ** 255n - 19n;
const mod = (value: bigint) => ((value % p) + p) % p;

/** What one unit allows in a limb. */
const unit = 2 ** 50 + 2 ** 12;
const limbCount = 5;

interface PairExports {
  readonly pairMultiply: (out: number, a: number, b: number) => void;
  readonly pairSquareTimes: (out: number, a: number, count: number) => void;
  readonly pairCarry: (out: number, a: number) => void;
  readonly pairDifferenceAndSum: (out: number, a: number) => void;
  readonly pairRootPower: (out: number, a: number) => void;
  readonly pairFromFields: (out: number, first: number, second: number) => void;
  readonly fieldFromPair: (out: number, pair: number, lane: number) => void;
}

type Limbs = readonly number[];
type Pair = readonly [Limbs, Limbs];

/** Limbs of up to `units` units, the extremes often. */
function limbs(units: number): fc.Arbitrary<number[]> {
  const bound = units * unit;
  const limb = fc.oneof(
    fc.maxSafeInteger().map((value) => value % (bound + 1)),
    fc.constantFrom(-bound, bound, bound - 1, 1 - bound, 0, 1, -1, 2 ** 50, -(2 ** 50)),
  );
  return fc.array(limb, { minLength: limbCount, maxLength: limbCount });
}
const pairs = (units: number) => fc.tuple(limbs(units), limbs(units));
const valueOf = (element: Limbs) => element.reduceRight((sum, limb) => (sum << 51n) + BigInt(limb), 0n);

describe.skipIf(fusedModule === undefined)('pairs', () => {
  const kernel = new Kernel(new WebAssembly.Instance(fusedModule ?? kernelModule));
  const exports = kernel.exports as unknown as PairExports;
  const first = (kernel.callArea + 15) & ~15;
  const [second, result, single, encoded] = [first + 80, first + 160, first + 240, first + 320];

  function put(at: number, pair: Pair): void {
    const view = new DataView(kernel.bytes.buffer);
    pair.forEach((element, lane) =>
      element.forEach((limb, i) => view.setFloat64(at + 16 * i + 8 * lane, limb, true)),
    );
  }

  function pairAt(at: number): [number[], number[]] {
    const view = new DataView(kernel.bytes.buffer);
    const lane = (offset: number) =>
      Array.from({ length: limbCount }, (_, i) => view.getFloat64(at + 16 * i + offset, true));
    return [lane(0), lane(8)];
  }

  /** The result's values, and whether its limbs are within `units`. */
  function resultWithin(units: number): { values: bigint[]; isBounded: boolean } {
    const elements = pairAt(result);
    return {
      values: elements.map((element) => mod(valueOf(element))),
      isBounded: elements.flat().every((limb) => Math.abs(limb) <= units * unit),
    };
  }
  const pairOf = (values: readonly bigint[]) => ({ values: values.map(mod), isBounded: true });

  it.each([
    [1, 1],
    [1, 2],
    [2, 1],
  ])('multiplies elements of %d and %d units, result of one', (m, n) => {
    fc.assert(
      fc.property(pairs(m), pairs(n), (a, b) => {
        put(first, a);
        put(second, b);
        exports.pairMultiply(result, first, second);
        expect(resultWithin(1)).toEqual(pairOf([0, 1].map((lane) => valueOf(a[lane]!) * valueOf(b[lane]!))));
      }),
      { numRuns: 500, seed: m * 16 + n },
    );
    for (const signs of [0b00000, 0b11111, 0b10101, 0b01011]) {
      const extreme = (units: number) =>
        Array.from({ length: limbCount }, (_, i) => ((signs >> i) & 1 ? -units : units) * unit);
      const [a, b]: Pair = [extreme(m), extreme(n)];
      put(first, [a, b.map((limb) => (limb * m) / n)]);
      put(second, [b, a.map((limb) => (limb * n) / m)]);
      exports.pairMultiply(result, first, second);
      expect(resultWithin(1)).toEqual(pairOf([valueOf(a) * valueOf(b), valueOf(a) * valueOf(b)]));
    }
  });

  it('squares again and again', () => {
    fc.assert(
      fc.property(pairs(1), fc.integer({ min: 1, max: 6 }), (a, count) => {
        put(first, a);
        exports.pairSquareTimes(result, first, count);
        expect(resultWithin(1)).toEqual(
          pairOf(a.map((element) => valueOf(element) ** (2n ** BigInt(count)))),
        );
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it('carries three units', () => {
    fc.assert(
      fc.property(pairs(3), (a) => {
        put(first, a);
        exports.pairCarry(result, first);
        expect(resultWithin(1)).toEqual(pairOf(a.map(valueOf)));
      }),
      { numRuns: 300, seed: 2 },
    );
  });

  it('gives difference and sum', () => {
    fc.assert(
      fc.property(pairs(1), (a) => {
        put(first, a);
        exports.pairDifferenceAndSum(result, first);
        const [x, y] = a.map(valueOf);
        expect(resultWithin(2)).toEqual(pairOf([y! - x!, y! + x!]));
      }),
      { numRuns: 100, seed: 3 },
    );
  });

  it('raises both to (p - 5) / 8', () => {
    const power = (base: bigint) => {
      let value = 1n;
      for (let bit = 251n; bit >= 0n; bit--) {
        value = (value * value) % p;
        if ((((p - 5n) / 8n) >> bit) & 1n) value = (value * base) % p;
      }
      return value;
    };
    fc.assert(
      fc.property(pairs(1), (a) => {
        put(first, a);
        exports.pairRootPower(result, first);
        expect(resultWithin(1)).toEqual(pairOf(a.map((element) => power(mod(valueOf(element))))));
      }),
      { numRuns: 20, seed: 4 },
    );
  });

  it('comes from single elements and goes back, values around zero and p included', () => {
    const corners = [0n, 1n, 18n, 19n, p - 1n, p, p + 1n, 2n ** 255n - 1n].map((value) =>
      Array.from({ length: limbCount }, (_, i) => Number((value >> BigInt(51 * i)) & (2n ** 51n - 1n))),
    );
    const any = fc.oneof(fc.constantFrom(...corners), limbs(2));
    fc.assert(
      fc.property(any, any, (x, y) => {
        put(first, [x, y]);
        exports.fieldFromPair(single, first, 0);
        exports.fieldFromPair(single + 40, first, 8);
        [x, y].forEach((element, lane) => {
          kernel.exports.fieldToBytes(encoded, single + 40 * lane);
          const bytes = kernel.take(encoded, 32);
          const value = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
          expect(value).toBe(mod(valueOf(element)));
        });
        exports.pairFromFields(result, single, single + 40);
        expect(resultWithin(1)).toEqual(pairOf([valueOf(x), valueOf(y)]));
      }),
      { numRuns: 300, seed: 5 },
    );
  });
});
