/** AES-256-GCM with additional data, the tag last: what members seal for each other, opened and sealed again with other octets. */
import { createCipheriv, createDecipheriv } from 'node:crypto';

export interface Box {
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  readonly additionalData: Uint8Array;
}

const tagBytes = 16;

export function seal({ key, nonce, additionalData }: Box, plaintext: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(additionalData);
  return Uint8Array.from(Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]));
}

/** Sealed again, with what `change` makes of its plaintext. */
export function resealed(
  box: Box,
  sealed: Uint8Array,
  change: (plaintext: Uint8Array) => Uint8Array,
): Uint8Array {
  const end = sealed.length - tagBytes;
  const decipher = createDecipheriv('aes-256-gcm', box.key, box.nonce)
    .setAAD(box.additionalData)
    .setAuthTag(sealed.subarray(end));
  const plaintext = Buffer.concat([decipher.update(sealed.subarray(0, end)), decipher.final()]);
  return seal(box, change(Uint8Array.from(plaintext)));
}
