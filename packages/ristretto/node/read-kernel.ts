/**
 * Node's way to the kernel: reads a binary that `scripts/build-kernel.sh` writes. Browsers fetch the same files and use
 * `loadWasmEngine`.
 */
import { readFileSync } from 'node:fs';
import { createWasmEngine, runsExactly } from '../src/index.ts';
import type { Engine } from '../src/index.ts';

/** Runs wherever WebAssembly has SIMD. */
export const kernelUrl = new URL('../build/ristretto.wasm', import.meta.url);
/** Sums and decodes about twice as fast; needs relaxed SIMD and a processor with a fused multiply-add. */
export const fusedKernelUrl = new URL('../build/ristretto-fused.wasm', import.meta.url);

/** The faster kernel that this machine runs exactly. Compiles once; hand the module to as many engines and workers as wanted. */
export function readKernel(): WebAssembly.Module {
  return readFusedKernel() ?? readPortableKernel();
}

export function readPortableKernel(): WebAssembly.Module {
  return new WebAssembly.Module(readBinary(kernelUrl));
}

/** `undefined` if this machine does not run it, or not exactly. */
export function readFusedKernel(): WebAssembly.Module | undefined {
  const bytes = readBinary(fusedKernelUrl);
  if (!WebAssembly.validate(bytes)) return undefined;
  const module = new WebAssembly.Module(bytes);
  return runsExactly(module) ? module : undefined;
}

function readBinary(url: URL): Uint8Array<ArrayBuffer> {
  try {
    return readFileSync(url);
  } catch (cause) {
    throw new Error('the kernel is not built: run packages/ristretto/scripts/build-kernel.sh', { cause });
  }
}

export function createNodeEngine(): Engine {
  return createWasmEngine(readKernel());
}
