/** The data of sealing: what is to be sealed, what goes on the wire, and what the prover keeps until the proof is made. */
import type { Scalar } from '@conclave/ristretto';
import type { PublicKey, SecretScalar } from '../signature/keys.ts';

/**
 * A node secret and who shall open it. Every recipient key must have a proof of possession, or be a node of a verified
 * sealing proof: the recipients share randomness, and a key made from another's would open its handles [F7].
 */
export interface SealingTarget {
  readonly secret: SecretScalar;
  readonly publicKey: PublicKey;
  readonly recipients: readonly PublicKey[];
  /** Other digits of the same secret than `digitsOf` gives: an attacker's, who makes everybody search. */
  readonly digits?: readonly number[];
}

/** Sixteen digits whose sum over 2^(16 j) is the secret. */
export type CutDigits = (secret: SecretScalar) => readonly number[];

/** A sealed secret as it travels. All bytes are unverified until the proof is. */
export interface SealedSecret {
  /** Q = s * G. */
  readonly publicKey: PublicKey;
  /** V_j = m_j * H + r_j * G for the 16 digits, least significant first: 512 bytes. */
  readonly commitments: Uint8Array;
  /** For each recipient D_j = r_j * P: 512 bytes. */
  readonly handles: readonly Uint8Array[];
}

/** The r_j of every sealed node: secret until forgotten. Prints and serialises as nothing. */
export class SealingOpenings {
  readonly #blindings: readonly (readonly Scalar[])[];

  constructor(blindings: readonly (readonly Scalar[])[]) {
    this.#blindings = blindings;
  }

  /** The 16 blinding scalars of a node. */
  ofNode(node: number): readonly Scalar[] {
    const blindings = this.#blindings[node];
    if (blindings === undefined) throw new RangeError('no such sealed node');
    return blindings;
  }
}

/** The 16 digits of a secret, least significant first, each in [0, 2^16). */
export function digitsOf(secret: SecretScalar): number[] {
  return Array.from({ length: secret.length / 2 }, (_, j) => secret[2 * j]! | (secret[2 * j + 1]! << 8));
}
