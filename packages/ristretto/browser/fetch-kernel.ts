/**
 * A browser's way to the kernel: the file that `scripts/build-kernel.sh` writes, compiled while it arrives. The application serves it
 * (`@conclave/ristretto/ristretto.wasm` is its path for bundlers), as `application/wasm`; its Content-Security-Policy needs
 * `'wasm-unsafe-eval'` in `script-src`, which allows WebAssembly and no `eval`.
 */
import { loadWasmEngine, runsExactly } from '../src/index.ts';
import type { Engine } from '../src/index.ts';

/** Where the file is, an answer that holds it, its octets, or the compiled module of another engine. */
export type BrowserKernelSource =
  | string
  | URL
  | Response
  | Promise<Response>
  | Uint8Array<ArrayBuffer>
  | ArrayBuffer
  | WebAssembly.Module;

/** The kernel could not be brought, or is not one. */
export class KernelLoadError extends Error {
  override readonly name = 'KernelLoadError';
}

/**
 * Compiles once and without blocking the page; hand the module to as many engines and workers as wanted (modules can be posted).
 * Rejects with {@link KernelLoadError}. Never falls back to another engine: whether to run without is the application's decision.
 */
export async function compileKernel(source: BrowserKernelSource): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) return source;
  try {
    if (source instanceof ArrayBuffer || source instanceof Uint8Array)
      return await WebAssembly.compile(source);
    const isPlace = typeof source === 'string' || source instanceof URL;
    const response = await (isPlace ? fetch(source) : source);
    if (!response.ok) throw new KernelLoadError(`the kernel was answered with status ${response.status}`);
    return await WebAssembly.compileStreaming(response);
  } catch (cause) {
    if (cause instanceof KernelLoadError) throw cause;
    throw new KernelLoadError('the kernel cannot be fetched or compiled', { cause });
  }
}

/**
 * The engine of a page or worker. `fused` is the faster kernel (`@conclave/ristretto/ristretto-fused.wasm`): it is taken where the
 * browser knows relaxed SIMD and the processor rounds as it must, and passed over elsewhere. That it cannot be fetched is an error.
 */
export async function createBrowserEngine(
  portable: BrowserKernelSource,
  fused?: BrowserKernelSource,
): Promise<Engine> {
  const faster = fused === undefined ? undefined : await compileFusedKernel(fused);
  return loadWasmEngine(faster ?? (await compileKernel(portable)));
}

/** `undefined` where this machine does not run it, or not exactly. */
async function compileFusedKernel(source: BrowserKernelSource): Promise<WebAssembly.Module | undefined> {
  try {
    const module = await compileKernel(source);
    return runsExactly(module) ? module : undefined;
  } catch (error) {
    // A browser without relaxed SIMD: the portable kernel is for it. Everything else is what it is.
    if (error instanceof KernelLoadError && error.cause instanceof WebAssembly.CompileError) return undefined;
    throw error;
  }
}
