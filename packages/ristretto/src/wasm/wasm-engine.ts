/**
 * The engine on the WebAssembly kernel (`assembly/`). The same binary runs in Node, browsers and workers; who creates the
 * engine brings the binary (`@conclave/ristretto/wasm-node` reads it from disk). Every engine is an instance with a
 * memory of its own, which its group and its hash share.
 */
import type { Engine } from '../engine.ts';
import { Kernel } from './kernel.ts';
import { createWasmRistretto } from './wasm-ristretto.ts';
import { createWasmTupleHash } from './wasm-tuple-hash.ts';

/** A compiled kernel, or the binary's bytes. */
export type KernelSource = WebAssembly.Module | Uint8Array<ArrayBuffer> | ArrayBuffer;

/** Compiles synchronously where bytes are given: a browser's main thread may refuse that (`loadWasmEngine`). */
export function createWasmEngine(source: KernelSource): Engine {
  const module = source instanceof WebAssembly.Module ? source : new WebAssembly.Module(source);
  return engineOn(module, new WebAssembly.Instance(module));
}

/** The same without blocking: for browsers' main threads. */
export async function loadWasmEngine(source: KernelSource): Promise<Engine> {
  const module = source instanceof WebAssembly.Module ? source : await WebAssembly.compile(source);
  return engineOn(module, await WebAssembly.instantiate(module));
}

/**
 * Whether this machine computes exactly with a kernel. The portable one runs exactly wherever it runs; the fused one needs a
 * multiplication and addition that round once (`assembly/fused.ts`), which some processors do not have.
 */
export function runsExactly(module: WebAssembly.Module): boolean {
  return isExact(new Kernel(new WebAssembly.Instance(module)));
}

function isExact({ exports }: Kernel): boolean {
  return exports.isExact === undefined || exports.isExact() !== 0;
}

function engineOn(module: WebAssembly.Module, instance: WebAssembly.Instance): Engine {
  const kernel = new Kernel(instance);
  if (!isExact(kernel)) throw new Error('this machine cannot run the fused kernel: use the portable one');
  return { group: createWasmRistretto(kernel), tupleHash: createWasmTupleHash(kernel), kernel: module };
}
