/**
 * Wrapping of data keys: AES-256-GCM under a master key, with a random nonce. Master key's name, blob's name and generation
 * are associated data: a wrapped key that was copied to another row, or is opened with another key of the same name, does not
 * open.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { RandomSource } from '../../random/random-source.ts';
import type { MasterKey } from './master-keys.ts';

const nonceBytes = 12;
const tagBytes = 16;
const dataKeyBytes = 32;

export interface WrapPlace {
  readonly blobKey: string;
  readonly generation: Uint8Array;
}

export function wrapDataKey(
  master: MasterKey,
  place: WrapPlace,
  dataKey: Uint8Array,
  random: RandomSource,
): Uint8Array {
  const nonce = random.bytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', master.key, nonce).setAAD(contextOf(master, place));
  return Buffer.concat([nonce, cipher.update(dataKey), cipher.final(), cipher.getAuthTag()]);
}

/** Undefined if it does not open. */
export function unwrapDataKey(
  master: MasterKey,
  place: WrapPlace,
  wrapped: Uint8Array,
): Uint8Array | undefined {
  if (wrapped.length !== nonceBytes + dataKeyBytes + tagBytes) return undefined;
  const nonce = wrapped.subarray(0, nonceBytes);
  const cipher = createDecipheriv('aes-256-gcm', master.key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(contextOf(master, place)).setAuthTag(wrapped.subarray(nonceBytes + dataKeyBytes));
  const dataKey = cipher.update(wrapped.subarray(nonceBytes, nonceBytes + dataKeyBytes));
  try {
    cipher.final();
  } catch {
    // OpenSSL says no more than that it does not fit.
    return undefined;
  }
  return dataKey;
}

/** Neither name holds a line break, and the generation has one length. */
function contextOf({ id }: MasterKey, { blobKey, generation }: WrapPlace): Uint8Array {
  return Buffer.concat([Buffer.from(`conclave/blob-data-key/v1\n${id}\n${blobKey}\n`, 'utf8'), generation]);
}
