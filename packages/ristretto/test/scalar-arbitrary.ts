/** Scalars for properties: mostly uniform, often an edge. */
import * as fc from 'fast-check';
import type { Ristretto255, Scalar } from '../src/index.ts';

export function scalarArbitrary({ scalars }: Ristretto255): fc.Arbitrary<Scalar> {
  const uniform = fc
    .uint8Array({ minLength: 64, maxLength: 64 })
    .map((bytes) => scalars.fromWideBytes(bytes));
  const edges = [0, 1, 2, 2 ** 16 - 1, -1, -2].map((value) => scalars.fromNumber(value));
  return fc.oneof({ weight: 3, arbitrary: uniform }, { weight: 1, arbitrary: fc.constantFrom(...edges) });
}
