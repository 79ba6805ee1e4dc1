/**
 * Node keys: secret s in [1, l), public key s * G. `PublicKey` and `SecretScalar` are brands that only parsing and
 * derivation give, so that no identity key [F7] and no scalar out of range gets past them.
 */
import type { Point, Scalar } from '@conclave/ristretto';
import { uint32 } from '../hash/label.ts';
import type { Suite } from '../suite.ts';

declare const publicKeyBrand: unique symbol;
declare const secretBrand: unique symbol;

/** The canonical encoding of a point other than the identity. */
export type PublicKey = Uint8Array & { readonly [publicKeyBrand]: 'PublicKey' };
/** A scalar other than zero that must stay secret. */
export type SecretScalar = Scalar & { readonly [secretBrand]: 'SecretScalar' };

/** A point other than the identity, from its canonical 32 bytes. */
export function parseElement(suite: Suite, bytes: Uint8Array): Point | undefined {
  // The identity's only encoding is zero (RFC 9496, section 4.3.1).
  return bytes.some((byte) => byte !== 0) ? suite.group.decodePoint(bytes) : undefined;
}

/** A copy of `bytes` as a public key; `undefined` for non-canonical bytes and for the identity. */
export function parsePublicKey(suite: Suite, bytes: Uint8Array): PublicKey | undefined {
  return parseElement(suite, bytes) === undefined ? undefined : (Uint8Array.from(bytes) as PublicKey);
}

/**
 * A copy of 32 octets as a public key that is yet to be decoded; undefined for the identity, which is all zeros. Whoever calls
 * this makes a claim of kind `keys` as well, and believes nothing before that is verified.
 */
export function claimedPublicKey(bytes: Uint8Array): PublicKey | undefined {
  return bytes.every((byte) => byte === 0) ? undefined : (Uint8Array.from(bytes) as PublicKey);
}

/** A copy of `bytes` as a secret; `undefined` for zero and for scalars out of range. */
export function parseSecret(suite: Suite, bytes: Uint8Array): SecretScalar | undefined {
  const scalar = suite.group.scalars.fromBytes(bytes);
  return scalar === undefined || suite.group.scalars.isZero(scalar) ? undefined : (scalar as SecretScalar);
}

export function publicKeyOf(suite: Suite, secret: SecretScalar): PublicKey {
  return suite.group.encodePoint(suite.group.multiplyGenerator(secret)) as PublicKey;
}

/** The secret of the next node up a path: HashToScalar(s), wide reduction, zero skipped. */
export function nextSecret(suite: Suite, secret: SecretScalar): SecretScalar {
  const { scalars } = suite.group;
  for (let retry = 0; ; retry++) {
    const next = scalars.fromWideBytes(suite.xof('next secret', [secret, uint32(retry)], 64));
    if (!scalars.isZero(next)) return next as SecretScalar;
  }
}

/** Decodes a key whose brand says that it decoded before. */
export function keyPoint(suite: Suite, publicKey: PublicKey): Point {
  const point = suite.group.decodePoint(publicKey);
  if (point === undefined) throw new TypeError('a PublicKey that was never parsed');
  return point;
}
