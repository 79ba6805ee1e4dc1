/** All engines, for tests that hold for each; and seeded bytes. */
import { shake128 } from '@noble/hashes/sha3.js';
import { createNobleEngine, createWasmEngine } from '../src/index.ts';
import type { Ristretto255, Scalar } from '../src/index.ts';
import { readFusedKernel, readPortableKernel } from '../node/read-kernel.ts';

export const kernelModule = readPortableKernel();
/** `undefined` on a machine that does not run it exactly. */
export const fusedModule = readFusedKernel();
export const noble = createNobleEngine().group;
export const wasm = createWasmEngine(kernelModule).group;
/** The fused kernel, or the portable one once more. */
export const fused = createWasmEngine(fusedModule ?? kernelModule).group;

export const engines: readonly (readonly [name: string, group: Ristretto255])[] = [
  ['noble', noble],
  ['wasm', wasm],
  ['wasm, fused', fused],
];

/** The same seed gives the same bytes. */
export function seededBytes(seed: string, length: number): Uint8Array {
  return shake128(new TextEncoder().encode(seed), { dkLen: length });
}

export function seededScalar(group: Ristretto255, seed: string): Scalar {
  return group.scalars.fromWideBytes(seededBytes(seed, 64));
}
