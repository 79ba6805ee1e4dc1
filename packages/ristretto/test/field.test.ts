/** The kernel's field arithmetic against BigInt, at the bounds of its limbs (`assembly/field.ts`). */
import { bytesToHex } from '@noble/hashes/utils.js';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Kernel } from '../src/wasm/kernel.ts';
import { kernelModule } from './engines.ts';
import { squareRootsOfRatios } from './rfc9496-vectors.ts';

const p = 2n ** 255n - 19n;
const mod = (value: bigint) => ((value % p) + p) % p;
const kernel = new Kernel(new WebAssembly.Instance(kernelModule));
const { exports, callArea } = kernel;
const [first, second, result, encoded] = [callArea, callArea + 64, callArea + 128, callArea + 192];

/** What one unit allows in a limb. */
const unit = 2 ** 28 + 2 ** 17;
const limbCount = 9;

/** Limbs of up to `units` units, the extremes often. */
function limbs(units: number): fc.Arbitrary<number[]> {
  const bound = units * unit;
  const limb = fc.oneof(
    fc.integer({ min: -bound, max: bound }),
    fc.constantFrom(-bound, bound, 0, 1, -1, 2 ** 28, -(2 ** 28), 2 ** 29 - 1),
  );
  return fc.array(limb, { minLength: limbCount, maxLength: limbCount });
}

const valueOf = (element: readonly number[]) =>
  element.reduceRight((sum, limb) => (sum << 29n) + BigInt(limb), 0n);

function put(at: number, element: readonly number[]): void {
  const view = new DataView(kernel.bytes.buffer);
  element.forEach((limb, i) => view.setInt32(at + 4 * i, limb, true));
}

function limbsAt(at: number): number[] {
  const view = new DataView(kernel.bytes.buffer);
  return Array.from({ length: limbCount }, (_, i) => view.getInt32(at + 4 * i, true));
}

function canonicalAt(at: number): bigint {
  exports.fieldToBytes(encoded, at);
  return kernel.take(encoded, 32).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

function expectOneUnit(at: number): void {
  for (const limb of limbsAt(at)) expect(Math.abs(limb)).toBeLessThanOrEqual(unit);
}

describe('field', () => {
  // All pairs whose product is at most 14 that the formulas use, and the largest there are.
  it.each([
    [1, 1],
    [2, 2],
    [3, 3],
    [3, 4],
    [2, 7],
    [1, 7],
  ])('multiplies elements of %d and %d units, result of one', (m, n) => {
    fc.assert(
      fc.property(limbs(m), limbs(n), (a, b) => {
        put(first, a);
        put(second, b);
        exports.fieldMultiply(result, first, second);
        expectOneUnit(result);
        expect(canonicalAt(result)).toBe(mod(valueOf(a) * valueOf(b)));
      }),
      { numRuns: 300, seed: m * 16 + n },
    );
    const bounds = [1, -1].map((sign) => Array.from({ length: limbCount }, () => sign * m * unit));
    for (const a of bounds) {
      put(first, a);
      put(
        second,
        Array.from({ length: limbCount }, () => n * unit),
      );
      exports.fieldMultiply(result, first, second);
      expectOneUnit(result);
      expect(canonicalAt(result)).toBe(mod(valueOf(a) * valueOf(limbsAt(second))));
    }
  });

  it('squares elements of three units, many times over', () => {
    fc.assert(
      fc.property(limbs(3), fc.integer({ min: 1, max: 9 }), (a, count) => {
        put(first, a);
        exports.fieldSquareTimes(result, first, count);
        expectOneUnit(result);
        expect(canonicalAt(result)).toBe(power(valueOf(a), 2n ** BigInt(count)));
      }),
      { numRuns: 300, seed: 7 },
    );
  });

  it('inverts', () => {
    fc.assert(
      fc.property(limbs(1), (a) => {
        put(first, a);
        exports.fieldInvert(result, first);
        expectOneUnit(result);
        expect(canonicalAt(result)).toBe(power(valueOf(a), p - 2n));
      }),
      { numRuns: 50, seed: 8 },
    );
  });

  it.each(squareRootsOfRatios)('takes the square root of %d / %d (RFC 9496, A.4)', (u, v, isSquare, root) => {
    put(first, balancedLimbs(u));
    put(second, balancedLimbs(v));
    expect(exports.sqrtRatio(result, first, second)).toBe(isSquare ? -1 : 0);
    expectOneUnit(result);
    exports.fieldToBytes(encoded, result);
    expect(bytesToHex(kernel.take(encoded, 32))).toBe(root);
  });

  it('writes the one canonical form of up to four units', () => {
    const near = [-2n, -1n, 0n, 1n, 18n, 19n, 20n, 38n].flatMap((offset) => [
      offset,
      p + offset,
      2n * p + offset,
    ]);
    for (const value of near) {
      put(first, balancedLimbs(value));
      expect(canonicalAt(first)).toBe(mod(value));
    }
    fc.assert(
      fc.property(limbs(4), (a) => {
        put(first, a);
        expect(canonicalAt(first)).toBe(mod(valueOf(a)));
      }),
      { numRuns: 500, seed: 9 },
    );
  });

  it('reads 255 bits modulo p into one unit', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ minLength: 32, maxLength: 32 }),
          fc.constantFrom(0, 255).map((byte) => new Uint8Array(32).fill(byte)),
        ),
        (bytes) => {
          kernel.bytes.set(bytes, encoded);
          exports.fieldFromBytes(result, encoded);
          expectOneUnit(result);
          const value = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
          expect(canonicalAt(result)).toBe(mod(value % 2n ** 255n));
        },
      ),
      { numRuns: 200, seed: 10 },
    );
  });
});

function power(base: bigint, exponent: bigint): bigint {
  let value = 1n;
  for (let square = mod(base), rest = exponent; rest > 0n; rest >>= 1n, square = mod(square * square)) {
    if (rest & 1n) value = mod(value * square);
  }
  return value;
}

/** Limbs in [-2^28, 2^28) but for the last. */
function balancedLimbs(value: bigint): number[] {
  let rest = value;
  return Array.from({ length: limbCount }, (_, i) => {
    const limb = i === limbCount - 1 ? rest : BigInt.asIntN(29, rest);
    rest = (rest - limb) >> 29n;
    return Number(limb);
  });
}
