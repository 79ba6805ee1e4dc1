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
