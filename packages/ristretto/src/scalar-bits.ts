/** The public bound that `FixedBase.multiply` takes. */
import type { Scalar } from './ristretto255.ts';

/** Scalars are below 2^253. */
export const scalarBits = 253;

/** Throws unless scalar < 2^bits. Reads every byte above, whatever it holds. */
export function checkBits(scalar: Scalar, bits: number): void {
  if (!Number.isInteger(bits) || bits < 0 || bits > scalarBits) throw new RangeError('bits out of range');
  const boundary = bits >> 3;
  let above = (scalar[boundary] ?? 0) >> (bits & 7);
  for (let i = boundary + 1; i < scalar.length; i++) above |= scalar[i] ?? 0;
  if (above !== 0) throw new RangeError('the scalar is larger than said');
}
