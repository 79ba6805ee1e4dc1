export { createNobleRistretto } from './noble/noble-ristretto.ts';
export type { RandomSource } from './random-source.ts';
export type {
  FixedBase,
  Point,
  Ristretto255,
  Scalar,
  ScalarField,
  SmallLog,
  SmallLogOptions,
  SmallLogProgress,
} from './ristretto255.ts';
export { createWasmRistretto, loadWasmRistretto } from './wasm/wasm-ristretto.ts';
export type { KernelSource } from './wasm/wasm-ristretto.ts';
