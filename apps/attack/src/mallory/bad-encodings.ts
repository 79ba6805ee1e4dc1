/** Octets that must not pass for a point or a scalar, by what is wrong with them. */

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'hex'));
}

/** RFC 9496 §A.2, one or two of each reason, the identity, and the small-order points of edwards25519, whose octets are no elements here. */
export const badPoints: readonly (readonly [what: string, octets: Uint8Array])[] = [
  ['the identity', new Uint8Array(32)],
  ['all ones', new Uint8Array(32).fill(0xff)],
  ['the field’s order', hex('edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f')],
  [
    'a field element above its order',
    hex('f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'),
  ],
  ['a negative field element', hex('0100000000000000000000000000000000000000000000000000000000000000')],
  ['another negative one', hex('ed57ffd8c914fb201471d1c3d245ce3c746fcbe63a3679d51b6a516ebebe0e20')],
  ['a non-square', hex('26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371')],
  ['a negative x·y', hex('3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e')],
  ['y of zero', hex('ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f')],
  ['an edwards point of order 4', hex('0000000000000000000000000000000000000000000000000000000000000080')],
  ['an edwards point of order 8', hex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05')],
  ['another of order 8', hex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a')],
];

/** ℓ, little-endian. */
export const order: bigint = 2n ** 252n + 27742317777372353535851937790883648493n;

export function scalarBytes(value: bigint): Uint8Array {
  const bytes = new Uint8Array(32);
  for (let i = 0, rest = value; i < 32; i++, rest >>= 8n) bytes[i] = Number(rest & 255n);
  return bytes;
}

export function scalarValue(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** The same scalar again, in an encoding that is not its own: what a malleable verifier takes for another proof. */
export function plusOrder(bytes: Uint8Array): Uint8Array {
  return scalarBytes(scalarValue(bytes) + order);
}

/** A copy with `replacement` put at `offset`. */
export function spliced(bytes: Uint8Array, offset: number, replacement: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy.set(replacement, offset);
  return copy;
}

/** A copy with one bit changed. */
export function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at < 0 ? copy.length + at : at]! ^= 1;
  return copy;
}
