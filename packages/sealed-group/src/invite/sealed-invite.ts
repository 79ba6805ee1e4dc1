/**
 * An invite as it lies in the one-read store: XChaCha20-Poly1305 under a key that only the link holds, padded. The link's
 * secret has 128 bits, the strength of the group itself: a longer one would only make codes harder to scan.
 */
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import type { RandomSource } from '@conclave/ristretto';
import { hashTuple } from '../hash/index.ts';
import { pad, unpad } from '../message/padding.ts';
import type { Result } from '../result.ts';
import { violation } from '../result.ts';
import { expandLabel, extractSecret } from '../schedule/expand-label.ts';
import { scheduleLabels } from '../schedule/labels.ts';
import { Secret } from '../schedule/secret.ts';
import type { UnverifiedInvite } from './invite.ts';
import { decodeInvite, maxInviteBytes } from './invite.ts';

export const linkSecretBytes = 16;
const nonceBytes = 24;
const tagBytes = 16;
/** Every invite fits: they all look the same. */
const smallestSealed = 1024;

/** `bytes` for the store, `secret` for the link. Takes what `encodeInvite` gave. */
export function sealInvite(encoded: Uint8Array, random: RandomSource): { bytes: Uint8Array; secret: Secret } {
  const secret = new Secret(random.bytes(linkSecretBytes));
  const nonce = random.bytes(nonceBytes);
  const padded = pad(encoded, smallestSealed);
  const ciphertext = inviteCipher(secret.reveal(), nonce).encrypt(padded);
  padded.fill(0);
  const bytes = new Uint8Array(nonceBytes + ciphertext.length);
  bytes.set(nonce);
  bytes.set(ciphertext, nonceBytes);
  return { bytes, secret };
}

export function openSealedInvite(bytes: Uint8Array, secret: Secret): Result<UnverifiedInvite> {
  if (bytes.length < nonceBytes + tagBytes || bytes.length > 2 * maxInviteBytes)
    return violation('invite/opens', 'size');
  let padded: Uint8Array;
  try {
    padded = inviteCipher(secret.reveal(), bytes.subarray(0, nonceBytes)).decrypt(bytes.subarray(nonceBytes));
  } catch {
    return violation('invite/opens');
  }
  const encoded = unpad(padded, smallestSealed);
  const invite = encoded === undefined ? violation('invite/form', 'padding') : decodeInvite(encoded);
  padded.fill(0);
  return invite;
}

function inviteCipher(secret: Uint8Array, nonce: Uint8Array) {
  const prk = extractSecret(new Uint8Array(32), secret);
  return xchacha20poly1305(
    expandLabel(prk, scheduleLabels.inviteKey, [], 32),
    nonce,
    hashTuple('sealed-invite'),
  );
}
