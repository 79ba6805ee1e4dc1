export type { Engine } from './engine.ts';
export { createNobleEngine } from './noble/noble-engine.ts';
export type { RandomSource } from './random-source.ts';
export type {
  FixedBase,
  LinearCombination,
  Point,
  Ristretto255,
  Scalar,
  ScalarField,
  SmallLog,
  SmallLogOptions,
  SmallLogProgress,
} from './ristretto255.ts';
export type { TupleHash, TupleXof } from './tuple-hash.ts';
export { createWasmEngine, loadWasmEngine, runsExactly } from './wasm/wasm-engine.ts';
export type { KernelSource } from './wasm/wasm-engine.ts';
