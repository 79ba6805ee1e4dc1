/**
 * A 32-byte key from a passphrase by scrypt (RFC 7914), in slices that leave the event loop responsive. The cost is stored beside what
 * the key protects, so that it can be raised later; reading bounds it, so that a hostile file cannot exhaust memory.
 */
import { scryptAsync } from '@noble/hashes/scrypt.js';
import { utf8 } from '../encoding/bytes.ts';

export interface PassphraseCost {
  /** log2 of scrypt's N; memory is 1,024 × 2^logN bytes. */
  readonly logN: number;
}

/** 64 MiB, about a third of a second. */
export const defaultPassphraseCost: PassphraseCost = { logN: 16 };

export function isAcceptableCost(logN: unknown): logN is number {
  return typeof logN === 'number' && Number.isInteger(logN) && logN >= 10 && logN <= 20;
}

/** `passphrase` is normalised to NFKC, so that keyboards that compose characters differently agree. */
export async function derivePassphraseKey(
  passphrase: string,
  salt: Uint8Array,
  cost: PassphraseCost,
): Promise<Uint8Array> {
  return await scryptAsync(utf8(passphrase.normalize('NFKC')), salt, {
    N: 2 ** cost.logN,
    r: 8,
    p: 1,
    dkLen: 32,
  });
}
