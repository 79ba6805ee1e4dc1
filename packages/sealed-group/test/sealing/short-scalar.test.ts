/** Small secret numbers as octets: cutting, comparing with the bounds of the proof, and what becomes public. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { responseEnd, responseMin } from '../../src/sealing/parameters.ts';
import { digitsOf } from '../../src/sealing/sealed-secret.ts';
import { digitScalarsOf, isBelow, shortScalar, toPublicNumber } from '../../src/sealing/short-scalar.ts';
import { keyPair, suite } from './fixture.ts';

const { scalars } = suite.group;

describe('short scalars', () => {
  it('are the digits of a secret', () => {
    const { secret } = keyPair('digits');
    expect(digitScalarsOf(suite, secret)).toEqual(digitsOf(secret).map((digit) => scalars.fromNumber(digit)));
  });

  it('are below a bound exactly if the number is', () => {
    const near = fc.tuple(
      fc.constantFrom(0, responseMin, responseEnd, 2 ** 34, 2 ** 40),
      fc.integer({ min: -3, max: 3 }),
    );
    const value = fc.oneof(
      near.map(([about, by]) => Math.max(0, about + by)),
      fc.integer({ min: 0, max: 2 ** 41 }),
      fc.integer({ min: 0, max: 2 ** 26 }),
    );
    fc.assert(
      fc.property(value, fc.constantFrom(1, 255, 256, 2 ** 32, responseMin, responseEnd), (number, bound) => {
        expect(isBelow(scalars.fromNumber(number), bound)).toBe(number < bound ? -1 : 0);
      }),
      { numRuns: 500, seed: 11 },
    );
  });

  it('are below nothing if they stand for a negative number, or have any octet above', () => {
    expect(isBelow(scalars.fromNumber(-1), responseEnd)).toBe(0);
    for (let i = 5; i < 32; i++) {
      const high = new Uint8Array(32);
      high[i] = 1;
      expect(isBelow(high, responseEnd)).toBe(0);
    }
  });

  it('can be told in public', () => {
    for (const number of [0, 1, 255, 256, 2 ** 32 - 1, 2 ** 32, responseEnd, 2 ** 40 - 1])
      expect(toPublicNumber(scalars.fromNumber(number))).toBe(number);
    expect(shortScalar(suite, Uint8Array.of(1, 2, 3, 4, 3))).toEqual(scalars.fromNumber(0x03_04030201));
  });
});
