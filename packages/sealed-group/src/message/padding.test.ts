import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pad, padme, smallestPadded, unpad } from './padding.ts';

describe('Padmé', () => {
  it.each([
    [2, 2],
    [9, 10],
    [100, 104],
    [200, 208],
    [1000, 1024],
    [1025, 1088],
    [65_536, 65_536],
    [65_537, 67_584],
    [1_000_000, 1_015_808],
  ])('pads %i bytes to %i', (size, padded) => {
    expect(padme(size)).toBe(padded);
  });

  it('never shrinks, is its own fixed point, is monotone and adds at most 12 %', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 2 ** 30 }), (size) => {
        const padded = padme(size);
        expect(padded).toBeGreaterThanOrEqual(size);
        expect(padme(padded)).toBe(padded);
        expect(padme(size + 1)).toBeGreaterThanOrEqual(padded);
        expect(padded).toBeLessThanOrEqual(Math.ceil(size * 1.12));
      }),
    );
  });
});

describe('padding', () => {
  it('comes off again', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), (content) => {
        expect(unpad(pad(content))).toEqual(content);
      }),
    );
  });

  it('accepts only the one padded form of each content', () => {
    const padded = pad(new Uint8Array(290).fill(1));
    const changed = (at: number, value: number) => {
      const copy = Uint8Array.from(padded);
      copy[at] = value;
      return copy;
    };
    expect(unpad(changed(padded.length - 1, 1))).toBeUndefined();
    expect(unpad(changed(0, 0xff))).toBeUndefined();
    expect(unpad(changed(3, 200))).toBeUndefined();
    expect(unpad(padded.subarray(0, -1))).toBeUndefined();
    expect(unpad(new Uint8Array(smallestPadded - 1))).toBeUndefined();
    expect(unpad(new Uint8Array(0))).toBeUndefined();
    expect(unpad(new Uint8Array(smallestPadded * 2))).toBeUndefined();
  });
});
