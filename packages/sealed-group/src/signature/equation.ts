/**
 * The common form of everything that is verified with group arithmetic: a claim that a linear combination of points is
 * the identity. Signatures and sealing proofs become equations, and all equations of a frame, or of many frames, are
 * checked with one multi-scalar multiplication (`equation-batch.ts`).
 */
import type { LinearCombination } from '@conclave/ristretto';

/**
 * Claims that the sum of scalars[i] * points[i] is the identity. Where the author may choose a sign, coefficients that are
 * one stay positive: times a weight of 128 bits they are half as long as others, and cost half.
 */
export type Equation = LinearCombination;
