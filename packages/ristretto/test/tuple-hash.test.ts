/** TupleHashXOF256: NIST's samples on both engines, and the kernel against the reference. */
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createNobleEngine, createWasmEngine } from '../src/index.ts';
import type { TupleHash } from '../src/index.ts';
import { kernelModule, seededBytes } from './engines.ts';

const noble = createNobleEngine().tupleHash;
const wasm = createWasmEngine(kernelModule).tupleHash;
const text = (value: string) => new TextEncoder().encode(value);

/** "TupleHashXOF_samples" of NIST's examples with intermediate values, samples 4 to 6. */
const samples = [
  {
    customization: '',
    parts: ['000102', '101112131415'],
    output:
      '03ded4610ed6450a1e3f8bc44951d14fbc384ab0efe57b000df6b6df5aae7cd568e77377daf13f37ec75cf5fc598b6841d51dd207c991cd45d210ba60ac52eb9',
  },
  {
    customization: 'My Tuple App',
    parts: ['000102', '101112131415'],
    output:
      '6483cb3c9952eb20e830af4785851fc597ee3bf93bb7602c0ef6a65d741aeca7e63c3b128981aa05c6d27438c79d2754bb1b7191f125d6620fca12ce658b2442',
  },
  {
    customization: 'My Tuple App',
    parts: ['000102', '101112131415', '202122232425262728'],
    output:
      '0c59b11464f2336c34663ed51b2b950bec743610856f36c28d1d088d8a2446284dd09830a6a178dc752376199fae935d86cfdee5913d4922dfd369b66a53c897',
  },
];

describe.each<[string, TupleHash]>([
  ['noble', noble],
  ['wasm', wasm],
])('TupleHashXOF256 of %s', (_, tupleHash) => {
  it.each(samples)('gives the sample of SP 800-185 for $parts, $customization', (sample) => {
    const xof = tupleHash.customized(text(sample.customization));
    expect(bytesToHex(xof(sample.parts.map(hexToBytes), 64))).toBe(sample.output);
  });

  it('gives the beginning of a longer output, and nothing for length 0', () => {
    const xof = tupleHash.customized(text('lengths'));
    const long = xof([text('a')], 500);
    for (const length of [0, 1, 135, 136, 137, 272, 273])
      expect(xof([text('a')], length)).toEqual(long.slice(0, length));
  });

  it('gives fresh buffers, and writes to no argument', () => {
    const xof = tupleHash.customized(text('buffers'));
    const part = seededBytes('part', 40);
    const first = xof([part], 32);
    const copy = Uint8Array.from(first);
    xof([part], 32).fill(0);
    expect(first).toEqual(copy);
    expect(part).toEqual(seededBytes('part', 40));
  });
});

describe('the kernel', () => {
  const agree = (customization: Uint8Array, parts: readonly Uint8Array[], length: number) => {
    const [ours, theirs] = [wasm, noble].map((engine) => engine.customized(customization)(parts, length));
    return bytesToHex(ours!) === bytesToHex(theirs!);
  };

  it('agrees with the reference around every boundary of a block', () => {
    // The part's own prefix takes 2 or 3 bytes, the ending 2: lengths from 128 on meet the rate of 136.
    for (const length of [...Array.from({ length: 16 }, (_, i) => 126 + i), 264, 268, 272])
      expect(agree(text('boundary'), [seededBytes('boundary', length)], 64), `part of ${length}`).toBe(true);
    for (const length of [100, 112, 113, 114, 115, 116, 120, 136, 137, 300])
      expect(agree(seededBytes('S', length), [text('a')], 64), `customisation of ${length}`).toBe(true);
  });

  it('agrees with the reference for every number of bytes that a length takes', () => {
    for (const length of [0, 31, 32, 8191, 8192, 2 ** 21])
      expect(agree(text('prefix'), [seededBytes('prefix', length)], 64), `part of ${length}`).toBe(true);
  });

  it('agrees with the reference on any tuple', () => {
    const bytes = (maxLength: number) => fc.uint8Array({ maxLength, size: 'max' });
    const tuples = fc.array(bytes(700), { maxLength: 5 });
    fc.assert(
      fc.property(bytes(200), tuples, fc.nat({ max: 700 }), (customization, parts, length) => {
        expect(agree(customization, parts, length)).toBe(true);
      }),
      { numRuns: 200, seed: 1 },
    );
  });
});
