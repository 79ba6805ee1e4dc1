import { systemRandom } from '@conclave/platform';
import { createNodeEngine } from '@conclave/ristretto/wasm-node';
import { createSuite } from '@conclave/sealed-group';
import { describe, expect, it } from 'vitest';
import { rememberPoints } from './remember-points.ts';

const suite = createSuite();
const { group } = suite;
const encodings = [1, 2, 3].map((factor) =>
  group.encodePoint(group.multiplyGenerator(group.scalars.fromNumber(factor))),
);

describe('a suite that remembers points', () => {
  it('decodes as the suite itself does, the same bytes to the same object', () => {
    const remembering = rememberPoints(suite, 8).group;
    for (const bytes of encodings) {
      const once = remembering.decodePoint(bytes);
      expect(once && group.encodePoint(once)).toEqual(bytes);
      const point = remembering.decodePoint(bytes);
      expect(point).not.toBe(once);
      expect(point && group.encodePoint(point)).toEqual(bytes);
      expect(remembering.decodePoint(Uint8Array.from(bytes))).toBe(point);
    }
    for (const bytes of [new Uint8Array(32).fill(0xff), new Uint8Array(31), systemRandom.bytes(33)]) {
      expect(remembering.decodePoint(bytes)).toBeUndefined();
      expect(remembering.decodePoint(bytes)).toBeUndefined();
    }
  });

  it('forgets the point that was not used for longest', () => {
    const remembering = rememberPoints(suite, 2).group;
    const twice = (bytes: Uint8Array) => [remembering.decodePoint(bytes), remembering.decodePoint(bytes)][1];
    const [first, second, third] = encodings.map(twice);
    expect(remembering.decodePoint(encodings[2]!)).toBe(third);
    expect(remembering.decodePoint(encodings[1]!)).toBe(second);
    const again = twice(encodings[0]!);
    expect(again).not.toBe(first);
    expect(remembering.decodePoint(encodings[1]!)).toBe(second);
    expect(remembering.decodePoint(encodings[2]!)).not.toBe(third);
  });

  it('keeps nothing alive but the points themselves', () => {
    const kernel = createSuite(createNodeEngine());
    const remembering = rememberPoints(kernel, 8).group;
    // The kernel's points are views of memory: it has to be theirs alone.
    for (const bytes of encodings) remembering.decodePoint(bytes);
    const octets = encodings.map((bytes) => remembering.decodePoint(bytes) as unknown as Uint8Array);
    expect(octets.map(({ buffer }) => buffer.byteLength)).toEqual(octets.map(({ byteLength }) => byteLength));
  });

  it('leaves everything else to the group', () => {
    const remembering = rememberPoints(suite, 2);
    expect(remembering.messageBase).toBe(suite.messageBase);
    expect(remembering.group.generator).toBe(group.generator);
    expect(remembering.group.scalars).toBe(group.scalars);
  });
});
