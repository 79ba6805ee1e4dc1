/** What secret operations leave behind in the kernel's linear memory: nothing of their scalars, and empty scratch. */
import { describe, expect, it } from 'vitest';
import type { Scalar } from '../src/index.ts';
import { Kernel } from '../src/wasm/kernel.ts';
import { createWasmRistretto } from '../src/wasm/wasm-ristretto.ts';
import { createWasmTupleHash } from '../src/wasm/wasm-tuple-hash.ts';
import { fusedModule, kernelModule, seededScalar } from './engines.ts';

const kernel = new Kernel(new WebAssembly.Instance(fusedModule ?? kernelModule));
const group = createWasmRistretto(kernel);
const xof = createWasmTupleHash(kernel).customized(new Uint8Array(0));
const table = group.fixedBase(group.generator);
const secret = seededScalar(group, 'secret');
const other = seededScalar(group, 'other');
const digitLog = group.smallLog(group.generator, { range: 2 ** 10, searchTableSize: 1 });

const digit = group.scalars.fromNumber(1000);

const operations: Record<string, (scalar: Scalar) => unknown> = {
  multiply: (scalar) => group.multiply(group.generator, scalar),
  multiplyGenerator: (scalar) => group.multiplyGenerator(scalar),
  'fixedBase.multiply': (scalar) => table.multiply(scalar),
  'scalars.add': (scalar) => group.scalars.add(scalar, other),
  'scalars.multiply': (scalar) => group.scalars.multiply(scalar, other),
  'scalars.invert': (scalar) => group.scalars.invert(scalar),
  'scalars.innerProduct': (scalar) => group.scalars.innerProduct([scalar, other], [other, scalar]),
  'scalars.scale': (scalar) => group.scalars.scale([scalar, other], scalar),
  'scalars.powers': (scalar) => group.scalars.powers(scalar, 20),
  xof: (scalar) => xof([other, scalar, other], 64),
  'a long xof': (scalar) => xof([scalar, new Uint8Array(5000), scalar], 5000),
  'smallLog.find': (scalar) => digitLog.find([group.multiplyGenerator(scalar), table.multiply(digit, 10)]),
  encodePoints: (scalar) => group.encodePoints([1, 2, 3].map(() => group.multiplyGenerator(scalar))),
  'scalars.subsetSums': (scalar) => group.scalars.subsetSums([Uint8Array.of(1)], [scalar], 8),
};

/** The scratch block (`assembly/scratch.ts`), which begins with the area of calls. */
const scratchBytes = 6288;
const scratchIsEmpty = () => kernel.take(kernel.callArea, scratchBytes).every((byte) => byte === 0);
const memoryHolds = (bytes: Uint8Array) => Buffer.from(kernel.bytes).includes(Buffer.from(bytes));

describe('linear memory', () => {
  it('would show a scalar that is still there', () => {
    kernel.runPublic(() => kernel.bytes.set(secret, kernel.callArea));
    expect(memoryHolds(secret)).toBe(true);
    expect(scratchIsEmpty()).toBe(false);
  });

  it.each(Object.entries(operations))('holds nothing of its secrets after %s', (_, operation) => {
    operation(secret);
    expect(memoryHolds(secret)).toBe(false);
    expect(memoryHolds(secret.subarray(0, 16))).toBe(false);
    expect(scratchIsEmpty()).toBe(true);
  });

  it('is erased when the call fails', () => {
    const call = () =>
      kernel.run(() => {
        kernel.put(secret);
        throw new Error('in the middle');
      });
    expect(call).toThrow('in the middle');
    expect(memoryHolds(secret)).toBe(false);
  });
});
