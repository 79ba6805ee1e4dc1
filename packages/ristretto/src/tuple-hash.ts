/**
 * The protocol's extendable-output function: TupleHashXOF256 (NIST SP 800-185, section 5), which separates its parts by
 * their lengths, so that no two different tuples hash the same bytes.
 *
 * Who calls it: `@conclave/sealed-group`, for transcripts, hedged randomness and secrets. Secrets pass through it:
 * implementations keep no copy of a part.
 */

/** `length` bytes of TupleHashXOF256 of the parts under one customisation, in a fresh buffer of the caller's. */
export type TupleXof = (parts: readonly Uint8Array[], length: number) => Uint8Array;

export interface TupleHash {
  /**
   * The function customised with S. Make one for each customisation and keep it: what depends on S alone is computed
   * once, and engines hold some hundred bytes for it for ever.
   */
  customized(customization: Uint8Array): TupleXof;
}
