/** The reference engine: @noble/curves and @noble/hashes. Runs everywhere, needs nothing loaded. */
import type { Engine } from '../engine.ts';
import { createNobleRistretto } from './noble-ristretto.ts';
import { createNobleTupleHash } from './noble-tuple-hash.ts';

export function createNobleEngine(): Engine {
  return { group: createNobleRistretto(), tupleHash: createNobleTupleHash() };
}
