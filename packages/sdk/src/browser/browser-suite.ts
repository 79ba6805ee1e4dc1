/**
 * The cryptography of a browser client on the WASM kernel, the same file that Node runs: an order of magnitude faster than the
 * default, and its arithmetic on secrets takes no secret-dependent branch or index.
 */
import { createBrowserEngine } from '@conclave/ristretto/wasm-browser';
import type { BrowserKernelSource } from '@conclave/ristretto/wasm-browser';
import { createSuite, type Suite } from '@conclave/sealed-group';

/**
 * For `ConclaveClient.open({ suite })`. Make one per page or worker and share it: its tables take memory. Rejects with
 * `KernelLoadError` if a kernel cannot be fetched or compiled. `fused` is the faster kernel, for the machines that run it exactly.
 */
export async function createBrowserSuite(
  portable: BrowserKernelSource,
  fused?: BrowserKernelSource,
): Promise<Suite> {
  return createSuite(await createBrowserEngine(portable, fused));
}
