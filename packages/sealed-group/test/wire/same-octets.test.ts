import fc from 'fast-check';
import { expect, it } from 'vitest';
import { sameOctets } from '../../src/wire/same-octets.ts';

/** Views that start anywhere in their buffer. */
const view = (bytes: Uint8Array, start: number): Uint8Array => {
  const buffer = new Uint8Array(start + bytes.length + 3).fill(0xaa);
  buffer.set(bytes, start);
  return buffer.subarray(start, start + bytes.length);
};

it('is true of equal arrays of any length and place, false when one octet differs or is missing', () => {
  const start = fc.nat({ max: 7 });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), start, start, fc.nat(), (bytes, first, second, choice) => {
      const other = Uint8Array.from(bytes);
      expect(sameOctets(view(bytes, first), view(other, second))).toBe(true);
      expect(sameOctets(bytes, view(Uint8Array.of(...bytes, 0), second))).toBe(false);
      if (bytes.length === 0) return;
      other[choice % bytes.length]! ^= 1 << (choice % 8);
      expect(sameOctets(view(bytes, first), view(other, second))).toBe(false);
    }),
  );
});
