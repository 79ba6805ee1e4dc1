import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { byteMutations } from './byte-mutations.ts';
import { mutateJson } from './json-mutation.ts';
import { leb128, readLeb128 } from './encodings.ts';
import { minimise } from './minimise.ts';
import { mutate } from './mutate.ts';
import { mutateProtobuf, readFields, writeFields } from './protobuf-mutation.ts';
import { createRandom } from './random.ts';

const sources = (seed: number, other: Uint8Array = Uint8Array.of(1, 2, 3)) => ({
  random: createRandom(seed),
  dictionary: [Uint8Array.of(0xca, 0xfe)],
  other,
});

test('random numbers follow from the seed and stay in range', () => {
  const draw = (seed: number) => {
    const random = createRandom(seed);
    return Array.from({ length: 1_000 }, () => random.below(10));
  };
  expect(draw(1)).toEqual(draw(1));
  expect(draw(1)).not.toEqual(draw(2));
  expect(new Set(draw(3))).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
});

describe('mutations', () => {
  test.each(byteMutations.map((mutation) => [mutation.name, mutation] as const))(
    '%s takes any octets and leaves its input alone',
    (_name, mutation) => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(), (bytes, seed) => {
          const before = bytes.slice();
          expect(mutation(bytes, sources(seed))).toBeInstanceOf(Uint8Array);
          expect(bytes).toEqual(before);
        }),
      );
    },
  );

  test('follow from the seed and respect the size', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(), (bytes, seed) => {
        const run = () => mutate(bytes, { ...sources(seed), operands: [], format: 'protobuf', maxBytes: 64 });
        expect(run()).toEqual(run());
        expect(run().length).toBeLessThanOrEqual(64);
      }),
    );
  });

  test('of a message keep it a message, down to nested ones', () => {
    const inner = writeFields([
      { tag: 0x08n, value: 300n },
      { tag: 0x12n, value: new Uint8Array(200).fill(7) },
    ]);
    const message = writeFields([
      { tag: 0x0an, value: inner },
      { tag: 0x10n, value: 1n },
    ]);
    const results = Array.from({ length: 300 }, (_, seed) => mutateProtobuf(message, sources(seed)));
    expect(results.filter((bytes) => readFields(bytes) !== undefined).length).toBeGreaterThan(250);
    const deeper = results.filter((bytes) => {
      const value = readFields(bytes)?.[0]?.value;
      return value instanceof Uint8Array && value.length !== inner.length && readFields(value) !== undefined;
    });
    expect(deeper.length).toBeGreaterThan(20);
  });

  test('of JSON keep it JSON, line by line', () => {
    const text = Buffer.from('{"a":[1,{"b":"text"}],"c":null}\n{"d":true}');
    const results = Array.from({ length: 200 }, (_, seed) => mutateJson(text, sources(seed)));
    for (const line of results.flatMap((bytes) => Buffer.from(bytes).toString().split('\n')))
      expect(() => JSON.parse(line)).not.toThrow();
    expect(new Set(results.map((bytes) => Buffer.from(bytes).toString('hex'))).size).toBeGreaterThan(50);
    expect(mutateJson(Buffer.from('{"a'), sources(1))).toEqual(Buffer.from('{"a'));
  });

  test('put what a comparison wanted in the place of what it found', () => {
    const bytes = Uint8Array.of(9, 0x12, 0x34, 9);
    const operands = [{ left: 0x1234, right: 0xabcd }];
    const results = Array.from({ length: 200 }, (_, seed) =>
      Buffer.from(mutate(bytes, { ...sources(seed), operands, format: 'octets', maxBytes: 64 })).toString(
        'hex',
      ),
    );
    expect(results).toContain('09abcd09');
  });
});

test('LEB128 comes back, whatever follows it', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
      const bytes = leb128(value);
      expect(readLeb128(Uint8Array.of(5, ...bytes, 1), 1)).toEqual({ value, end: 1 + bytes.length });
    }),
  );
  expect(readLeb128(new Uint8Array(11).fill(0x80), 0)).toBeUndefined();
  expect(readLeb128(Uint8Array.of(0x80), 0)).toBeUndefined();
});

test('a failing input becomes as small and plain as it can', async () => {
  const fails = (bytes: Uint8Array) => bytes.includes(0x66) && bytes.length >= 3;
  const noisy = Uint8Array.from({ length: 201 }, (_, at) => (at * 7) & 0xff).with(100, 0x66);
  expect(fails(noisy)).toBe(true);
  expect(await minimise(noisy, fails)).toEqual(Uint8Array.of(0x66, 0, 0));
});
