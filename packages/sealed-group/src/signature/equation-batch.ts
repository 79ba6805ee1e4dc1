/**
 * Verifies many equations with one multi-scalar multiplication: each is multiplied by a random 128-bit weight of the
 * verifier's own, and the sum must be the identity. If one equation is false the sum is the identity with probability
 * 2^-128 at most. On failure the batch is split in halves until the false ones are known, by tag.
 */
import type { RandomSource } from '@conclave/ristretto';
import type { Suite } from '../suite.ts';
import type { Equation } from './equation.ts';

const weightBytes = 16;

export type BatchVerdict = { readonly ok: true } | { readonly ok: false; readonly failed: readonly number[] };

export interface EquationBatch {
  /** Adds the equations of one thing to be verified (a signature, a frame); `tag` names it in the verdict. */
  add(equations: readonly Equation[], tag: number): void;
  /** `failed` holds the tags with a false equation, ascending, each once. An empty batch holds. */
  verify(random: RandomSource): BatchVerdict;
}

interface Tagged {
  readonly tag: number;
  readonly equations: readonly Equation[];
}

export function createEquationBatch(suite: Suite): EquationBatch {
  const entries: Tagged[] = [];
  return {
    add(equations, tag) {
      entries.push({ tag, equations });
    },
    verify(random) {
      const failed = [...new Set(failingTags(suite, entries, random))].sort((a, b) => a - b);
      return failed.length === 0 ? { ok: true } : { ok: false, failed };
    },
  };
}

/** Verifies the equations of one thing. */
export function equationsHold(suite: Suite, equations: readonly Equation[], random: RandomSource): boolean {
  return weightedSumIsIdentity(suite, equations, random);
}

function failingTags(suite: Suite, entries: readonly Tagged[], random: RandomSource): number[] {
  const equations = entries.flatMap((entry) => entry.equations);
  if (weightedSumIsIdentity(suite, equations, random)) return [];
  if (entries.length === 1) return [entries[0]!.tag];
  const half = entries.length >> 1;
  return [
    ...failingTags(suite, entries.slice(0, half), random),
    ...failingTags(suite, entries.slice(half), random),
  ];
}

function weightedSumIsIdentity(suite: Suite, equations: readonly Equation[], random: RandomSource): boolean {
  const { group } = suite;
  const bytes = random.bytes(equations.length * weightBytes);
  const weights = equations.map((_, i) => {
    const wide = new Uint8Array(64);
    wide.set(bytes.subarray(i * weightBytes, (i + 1) * weightBytes));
    return group.scalars.fromWideBytes(wide);
  });
  return group.isIdentity(group.weightedSum(equations, weights));
}
