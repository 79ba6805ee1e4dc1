/**
 * Hedged randomness [F9]: every secret random value is XOF(secret || fresh random bytes || context || index). With a good
 * generator it is uniform; with a broken or repeating one it is still unpredictable to whoever lacks the secret, and
 * distinct for distinct contexts.
 */
import type { RandomSource, Scalar, ScalarField } from '@conclave/ristretto';
import { uint32 } from './label.ts';
import type { HasXof } from './xof.ts';

const randomBytes = 32;
const wideBytes = 64;

export interface Hedge {
  readonly secret: Uint8Array;
  readonly random: RandomSource;
  /** What the value is for. Two uses that must not share a value must differ in label, context or index. */
  readonly context: Uint8Array;
}

/** `index` is an unsigned 32-bit number. */
export function hedgedBytes(
  suite: HasXof,
  label: string,
  hedge: Hedge,
  index: number,
  length: number,
): Uint8Array {
  return suite.xof(
    label,
    [hedge.secret, hedge.random.bytes(randomBytes), hedge.context, uint32(index)],
    length,
  );
}

/** A uniform scalar other than zero. */
export function hedgedScalar(
  suite: HasXof & { readonly group: { readonly scalars: ScalarField } },
  label: string,
  hedge: Hedge,
  index: number,
): Scalar {
  const { scalars } = suite.group;
  let wide = hedgedBytes(suite, label, hedge, index, wideBytes);
  for (; ; wide = suite.xof(label, [wide], wideBytes)) {
    const scalar = scalars.fromWideBytes(wide);
    if (!scalars.isZero(scalar)) return scalar;
  }
}
