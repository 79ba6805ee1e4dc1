/**
 * Ed25519 with secret keys on Node: `node:crypto`, whose arithmetic takes the same time for all of them (`#ed25519` in package.json;
 * `src/identity/ed25519.ts` elsewhere). Signatures are deterministic (RFC 8032), so both give the same octets.
 *
 * A key is imported for each use and left to the collector, which has OpenSSL erase it: held by the object of a key, it would outlive
 * `SigningKey.wipe`.
 */
import { createPrivateKey, createPublicKey, sign as signWith } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** RFC 8410: a private key of Ed25519, but for its 32 octets at the end. */
const pkcs8Prefix = Uint8Array.from([
  0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
]);
const keyBytes = 32;

/** The public key of a seed, both 32 octets. */
export function publicKeyOfSeed(seed: Uint8Array): Uint8Array {
  const spki = createPublicKey(importSeed(seed)).export({ format: 'der', type: 'spki' });
  return Uint8Array.from(spki.subarray(-keyBytes));
}

/** 64 octets. */
export function signWithSeed(message: Uint8Array, seed: Uint8Array): Uint8Array {
  return Uint8Array.from(signWith(null, message, importSeed(seed)));
}

function importSeed(seed: Uint8Array): KeyObject {
  // Of its own: a small Buffer would be cut from memory that others share.
  const der = Buffer.from(new ArrayBuffer(pkcs8Prefix.length + keyBytes));
  try {
    der.set(pkcs8Prefix);
    der.set(seed, pkcs8Prefix.length);
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  } finally {
    der.fill(0);
  }
}
