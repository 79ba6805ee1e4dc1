/** The cryptography of a Node client on the WASM kernel: an order of magnitude faster than the isomorphic default, and measured to be constant-time. */
import { createNodeEngine } from '@conclave/ristretto/wasm-node';
import { createSuite, type Suite } from '@conclave/sealed-group';

/** For `ConclaveClient.open({ suite })`. Make one per process and share it: its tables take memory. Throws if the kernel was not built. */
export function createNodeSuite(): Suite {
  return createSuite(createNodeEngine());
}
