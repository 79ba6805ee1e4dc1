/**
 * Randomness is a parameter everywhere: protocol code never reaches for an ambient generator, so that tests and vectors
 * can be seeded and a platform can supply its own. `@conclave/platform` holds the real one.
 */
export interface RandomSource {
  /** `length` cryptographically secure random bytes in a fresh buffer that the caller owns. */
  bytes(length: number): Uint8Array;
}
