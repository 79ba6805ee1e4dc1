/**
 * Ed25519 with secret keys where there is no `node:crypto`: browsers, workers (`#ed25519` in package.json; `node/ed25519.ts` on Node).
 * BigInt is not constant-time. WebCrypto's Ed25519 would be, but answers later, and what signs here (commits, messages, entries) is
 * one step that either happens or does not.
 */
import { ed25519 } from '@noble/curves/ed25519.js';

/** The public key of a seed, both 32 octets. */
export const publicKeyOfSeed = (seed: Uint8Array): Uint8Array => ed25519.getPublicKey(seed);

/** 64 octets. */
export const signWithSeed = (message: Uint8Array, seed: Uint8Array): Uint8Array =>
  ed25519.sign(message, seed);
