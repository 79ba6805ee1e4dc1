/** Both engines, for tests that hold for either; and seeded bytes. */
import { shake128 } from '@noble/hashes/sha3.js';
import { createNobleEngine, createWasmEngine } from '../src/index.ts';
import type { Ristretto255, Scalar } from '../src/index.ts';
import { readKernel } from '../node/read-kernel.ts';

export const kernelModule = readKernel();
export const noble = createNobleEngine().group;
export const wasm = createWasmEngine(kernelModule).group;

export const engines: readonly (readonly [name: string, group: Ristretto255])[] = [
  ['noble', noble],
  ['wasm', wasm],
];

/** The same seed gives the same bytes. */
export function seededBytes(seed: string, length: number): Uint8Array {
  return shake128(new TextEncoder().encode(seed), { dkLen: length });
}

export function seededScalar(group: Ristretto255, seed: string): Scalar {
  return group.scalars.fromWideBytes(seededBytes(seed, 64));
}
