/** Where randomness comes from. Structurally the `RandomSource` of `@conclave/ristretto`. */
export interface RandomSource {
  /** `length` bytes, fresh for every call and owned by the caller. Cryptographically secure outside tests. */
  bytes(length: number): Uint8Array;
}

/** A number in [0, 1), uniform over 2^48 values: for jitter, not for keys. */
export function randomFraction(random: RandomSource): number {
  let value = 0;
  for (const byte of random.bytes(6)) value = value * 256 + byte;
  return value / 2 ** 48;
}
