/**
 * The random 32-byte storage key of a store, and the one record that holds it, wrapped. Changing a passphrase rewraps
 * this record and nothing else. Called by `vault.ts`.
 */
import type { RandomSource } from '@conclave/ristretto';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { decodeBase64url, encodeBase64url } from '../encoding/base64url.ts';
import { fromUtf8, utf8 } from '../encoding/bytes.ts';
import { ConclaveError } from '../errors/conclave-error.ts';
import {
  defaultPassphraseCost,
  derivePassphraseKey,
  isAcceptableCost,
  type PassphraseCost,
} from './passphrase-key.ts';

/** What opens a store. */
export type Unlock =
  | { readonly kind: 'passphrase'; readonly passphrase: string; readonly cost?: PassphraseCost }
  /** 32 bytes, for example from a key file. */
  | { readonly kind: 'key'; readonly key: Uint8Array }
  /** A WebCrypto AES-GCM key, which may be non-extractable. */
  | { readonly kind: 'crypto-key'; readonly key: CryptoKey };

interface WrappedKey {
  readonly version: 1;
  readonly kind: Unlock['kind'];
  readonly salt: string;
  readonly logN: number;
  readonly nonce: string;
  readonly box: string;
}

const ASSOCIATED_DATA = utf8('conclave storage key 1');

/** Returns the record to store. Each call uses a fresh salt and nonce. */
export async function wrapStorageKey(
  storageKey: Uint8Array,
  unlock: Unlock,
  random: RandomSource,
): Promise<Uint8Array> {
  const salt = random.bytes(16);
  const logN = unlock.kind === 'passphrase' ? (unlock.cost ?? defaultPassphraseCost).logN : 0;
  const nonce = random.bytes(unlock.kind === 'crypto-key' ? 12 : 24);
  const box =
    unlock.kind === 'crypto-key'
      ? new Uint8Array(await crypto.subtle.encrypt(gcm(nonce), unlock.key, storageKey.slice()))
      : xchacha20poly1305(await wrappingKey(unlock, salt, logN), nonce, ASSOCIATED_DATA).encrypt(storageKey);
  const record: WrappedKey = {
    version: 1,
    kind: unlock.kind,
    salt: encodeBase64url(salt),
    logN,
    nonce: encodeBase64url(nonce),
    box: encodeBase64url(box),
  };
  return utf8(JSON.stringify(record));
}

/** Rejects with `STORE_WRONG_KEY`, or `STORE_CORRUPT` when the record is not one. */
export async function unwrapStorageKey(bytes: Uint8Array, unlock: Unlock): Promise<Uint8Array> {
  const record = parseRecord(bytes);
  if (record.kind !== unlock.kind) {
    throw new ConclaveError(
      'STORE_WRONG_KEY',
      `This store is opened by a ${record.kind}, not by a ${unlock.kind}`,
    );
  }
  try {
    return unlock.kind === 'crypto-key'
      ? new Uint8Array(await crypto.subtle.decrypt(gcm(record.nonce), unlock.key, record.box))
      : xchacha20poly1305(
          await wrappingKey(unlock, record.salt, record.logN),
          record.nonce,
          ASSOCIATED_DATA,
        ).decrypt(record.box);
  } catch (error) {
    throw new ConclaveError('STORE_WRONG_KEY', 'The passphrase or key does not open this store', {
      cause: error,
    });
  }
}

function gcm(nonce: Uint8Array): AesGcmParams {
  return { name: 'AES-GCM', iv: nonce.slice(), additionalData: ASSOCIATED_DATA.slice() };
}

async function wrappingKey(
  unlock: Exclude<Unlock, { kind: 'crypto-key' }>,
  salt: Uint8Array,
  logN: number,
): Promise<Uint8Array> {
  if (unlock.kind === 'passphrase') return await derivePassphraseKey(unlock.passphrase, salt, { logN });
  if (unlock.key.length !== 32) throw new ConclaveError('MISUSE', 'A storage key has 32 bytes');
  return unlock.key;
}

function parseRecord(bytes: Uint8Array) {
  const corrupt = (cause?: unknown): ConclaveError =>
    new ConclaveError('STORE_CORRUPT', 'The record of the storage key is damaged', { cause });
  let record: Partial<WrappedKey>;
  try {
    record = JSON.parse(fromUtf8(bytes) ?? '') as Partial<WrappedKey>;
  } catch (error) {
    throw corrupt(error);
  }
  const { kind, logN } = record;
  const salt = decodeBase64url(record.salt ?? '!');
  const nonce = decodeBase64url(record.nonce ?? '!');
  const box = decodeBase64url(record.box ?? '!')?.slice();
  const costIsSound = kind === 'passphrase' ? isAcceptableCost(logN) : logN === 0;
  if (record.version !== 1 || kind === undefined || !costIsSound || !salt || !nonce || !box) throw corrupt();
  return { kind, logN: logN as number, salt, nonce: nonce.slice(), box };
}
