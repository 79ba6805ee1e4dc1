/** The engines against RFC 9496's vectors. */
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { describe, expect, it } from 'vitest';
import { engines } from './engines.ts';
import {
  elementDerivations,
  equivalentInputs,
  equivalentOutput,
  generatorMultiples,
  invalidEncodings,
} from './rfc9496-vectors.ts';
import type { InvalidReason } from './rfc9496-vectors.ts';

describe.each(engines)('RFC 9496, %s', (_, group) => {
  it('encodes, decodes and adds up the generator multiples (A.1)', () => {
    let sum = group.identity;
    generatorMultiples.forEach((hex, n) => {
      expect(bytesToHex(group.encodePoint(sum))).toBe(hex);
      expect(group.equals(group.decodePoint(hexToBytes(hex))!, sum)).toBe(true);
      const scalar = group.scalars.fromNumber(n);
      for (const product of [
        group.multiplyGenerator(scalar),
        group.multiply(group.generator, scalar),
        group.fixedBase(group.generator).multiply(scalar),
        group.multiScalarMultiply([group.generator], [scalar]),
      ]) {
        expect(bytesToHex(group.encodePoint(product))).toBe(hex);
      }
      sum = group.add(sum, group.generator);
    });
  });

  describe.each(Object.entries(invalidEncodings) as [InvalidReason, string[]][])(
    'refuses encodings because of: %s (A.2)',
    (reason, encodings) => {
      it.each(encodings)('%s', (hex) => {
        expect(reasonAgainst(hexToBytes(hex))).toBe(reason);
        expect(group.decodePoint(hexToBytes(hex))).toBeUndefined();
        expect(group.decodePoints(hexToBytes(generatorMultiples[3]! + hex))).toBeUndefined();
      });
    },
  );

  it('finds no reason against valid encodings', () => {
    for (const hex of generatorMultiples) expect(reasonAgainst(hexToBytes(hex))).toBeUndefined();
  });

  it('refuses wrong lengths', () => {
    for (const length of [0, 31, 33, 64]) expect(group.decodePoint(new Uint8Array(length))).toBeUndefined();
    expect(group.decodePoints(new Uint8Array(33))).toBeUndefined();
    expect(group.decodePoints(new Uint8Array(0))).toEqual([]);
  });

  it.each(elementDerivations)('derives an element from %s (A.3)', (input, output) => {
    expect(bytesToHex(group.encodePoint(group.fromUniformBytes(hexToBytes(input))))).toBe(output);
  });

  it.each(equivalentInputs)(
    'reduces what lies above the prime, and ignores the highest bit: %s (A.3)',
    (input) => {
      expect(bytesToHex(group.encodePoint(group.fromUniformBytes(hexToBytes(input))))).toBe(equivalentOutput);
    },
  );
});

/** The first step of section 4.3.1 that an encoding fails, computed from the RFC's formulas alone. */
function reasonAgainst(bytes: Uint8Array): InvalidReason | undefined {
  const p = 2n ** 255n - 19n;
  const d = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;
  const mod = (value: bigint) => ((value % p) + p) % p;
  const power = (base: bigint, exponent: bigint): bigint => {
    let result = 1n;
    for (let square = mod(base), rest = exponent; rest > 0n; rest >>= 1n, square = mod(square * square)) {
      if (rest & 1n) result = mod(result * square);
    }
    return result;
  };
  const s = BigInt(`0x${bytesToHex(Uint8Array.from(bytes).reverse())}`);
  if (s >= p) return 'non-canonical field element';
  if (s & 1n) return 'negative field element';
  const ss = mod(s * s);
  const u1 = mod(1n - ss);
  const u2 = mod(1n + ss);
  const v = mod(-d * u1 * u1 - u2 * u2);
  const square = mod(v * u2 * u2);
  const isSquare = power(square, (p - 1n) / 2n) === 1n;
  if (!isSquare) return u1 === 0n ? 'y is zero' : 'non-square x^2';
  // A root of 1 / square: candidate^2 is 1/square or -1/square.
  const sqrtMinusOne = power(2n, (p - 1n) / 4n);
  let root = power(power(square, p - 2n), (p + 3n) / 8n);
  if (mod(root * root * square) !== 1n) root = mod(root * sqrtMinusOne);
  const denominatorX = mod(root * u2);
  const denominatorY = mod(root * denominatorX * v);
  let x = mod(2n * s * denominatorX);
  if (x & 1n) x = mod(-x);
  const y = mod(u1 * denominatorY);
  if (y === 0n) return 'y is zero';
  return mod(x * y) & 1n ? 'negative x * y' : undefined;
}
