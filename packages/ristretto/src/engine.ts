/** What one implementation brings: the group and the hash that the protocol is built from. Results of all engines are the same bytes. */
import type { Ristretto255 } from './ristretto255.ts';
import type { TupleHash } from './tuple-hash.ts';

export interface Engine {
  readonly group: Ristretto255;
  readonly tupleHash: TupleHash;
  /** What it runs on, compiled, for an engine of the same kind in a worker: modules can be posted. Absent without a kernel. */
  readonly kernel?: WebAssembly.Module;
}
