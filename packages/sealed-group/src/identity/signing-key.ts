/**
 * Ed25519 (RFC 8032) key pairs: a person's identity, and the leaf-bound keys that it certifies. Verification is the strict
 * one (canonical encodings, no public keys of small order) with the cofactor, 8(S·B − R − k·A) = 0, so that everyone judges a signature
 * alike; and on one library for the same reason: OpenSSL verifies without the cofactor. Secret keys go through `#ed25519`.
 */
import { publicKeyOfSeed, signWithSeed } from '#ed25519';
import { ed25519 } from '@noble/curves/ed25519.js';
import type { RandomSource } from '@conclave/ristretto';
import { Secret } from '../schedule/secret.ts';

export const signingKeyBytes = 32;
export const signingSeedBytes = 32;

export class SigningKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly #seed: Secret;

  private constructor(seed: Secret) {
    this.#seed = seed;
    this.publicKey = publicKeyOfSeed(seed.reveal());
  }

  static generate(random: RandomSource): SigningKey {
    return new SigningKey(new Secret(random.bytes(signingSeedBytes)));
  }

  /** From the 32 bytes that `exportSeed` gave. */
  static fromSeed(seed: Uint8Array): SigningKey {
    if (seed.length !== signingSeedBytes) throw new RangeError('an Ed25519 seed has 32 bytes');
    return new SigningKey(Secret.copyOf(seed));
  }

  /** Deterministic (RFC 8032), 64 bytes. */
  sign(message: Uint8Array): Uint8Array {
    return signWithSeed(message, this.#seed.reveal());
  }

  /** A copy of the secret seed, for storage that encrypts it. */
  exportSeed(): Uint8Array {
    return Uint8Array.from(this.#seed.reveal());
  }

  wipe(): void {
    this.#seed.wipe();
  }

  toString(): string {
    return 'SigningKey([secret])';
  }

  toJSON(): string {
    return this.toString();
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

/** False for anything malformed; never throws. */
export function verifySignature(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return ed25519.verify(signature, message, publicKey, { zip215: false });
  } catch {
    // The library throws on wrong lengths and undecodable points: to us all of them are signatures that do not verify.
    return false;
  }
}
