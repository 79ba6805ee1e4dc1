/**
 * Node's way to the kernel: reads the binary that `scripts/build-kernel.sh` writes. Browsers fetch the same file and use
 * `loadWasmEngine`.
 */
import { readFileSync } from 'node:fs';
import { createWasmEngine } from '../src/index.ts';
import type { Engine } from '../src/index.ts';

/** Where the build writes it. */
export const kernelUrl = new URL('../build/ristretto.wasm', import.meta.url);

/** Compiles once; hand the module to as many engines and workers as wanted. */
export function readKernel(): WebAssembly.Module {
  return new WebAssembly.Module(readBinary());
}

function readBinary(): Uint8Array<ArrayBuffer> {
  try {
    return readFileSync(kernelUrl);
  } catch (cause) {
    throw new Error('the kernel is not built: run packages/ristretto/scripts/build-kernel.sh', { cause });
  }
}

export function createNodeEngine(): Engine {
  return createWasmEngine(readKernel());
}
