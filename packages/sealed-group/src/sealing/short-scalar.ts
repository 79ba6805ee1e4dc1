/**
 * Scalars that are small numbers and secret: digits, masks, responses that may yet be refused. They stay octets, which the kernel
 * computes with; as numbers they would be whatever the JavaScript engine makes of them: an integer, a floating point number, an
 * object, each with a time of its own.
 */
import type { Scalar } from '@conclave/ristretto';
import type { SecretScalar } from '../signature/keys.ts';
import { scalarBytes } from '../suite.ts';
import type { Suite } from '../suite.ts';
import { responseBytes } from './parameters.ts';

/** The 16 digits of a secret, least significant first, each below 2^16. */
export function digitScalarsOf(suite: Suite, secret: SecretScalar): Scalar[] {
  return Array.from({ length: scalarBytes / 2 }, (_, j) =>
    shortScalar(suite, secret.subarray(2 * j, 2 * j + 2)),
  );
}

/** At most 31 octets, little-endian, as a scalar. */
export function shortScalar(suite: Suite, octets: Uint8Array): Scalar {
  const bytes = new Uint8Array(scalarBytes);
  bytes.set(octets);
  return suite.group.scalars.fromBytes(bytes)!;
}

/** −1 if the scalar is below a public bound, which is below 2^40; else 0. Reads all octets, and branches on none. */
export function isBelow(scalar: Uint8Array, bound: number): number {
  let borrow = 0;
  let rest = bound;
  for (let i = 0; i < responseBytes; i++) {
    borrow = (scalar[i]! - (rest % 256) + borrow) >> 31;
    rest = Math.floor(rest / 256);
  }
  let above = 0;
  for (let i = responseBytes; i < scalar.length; i++) above |= scalar[i]!;
  return borrow & ((above - 1) >> 31);
}

/** A scalar below 2^40 that is no secret any more. */
export function toPublicNumber(scalar: Scalar): number {
  let value = 0;
  for (let i = responseBytes - 1; i >= 0; i--) value = value * 256 + scalar[i]!;
  return value;
}
