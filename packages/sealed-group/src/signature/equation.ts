/**
 * The common form of everything that is verified with group arithmetic: a claim that a linear combination of points is
 * the identity. Signatures and sealing proofs become equations, and all equations of a frame, or of many frames, are
 * checked with one multi-scalar multiplication (`equation-batch.ts`).
 */
import type { Point, Scalar } from '@conclave/ristretto';

/** Claims that the sum of scalars[i] * points[i] is the identity. */
export interface Equation {
  readonly points: readonly Point[];
  readonly scalars: readonly Scalar[];
}
