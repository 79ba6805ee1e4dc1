/**
 * Encryption at rest. Every value is sealed with XChaCha20-Poly1305 under the storage key and a random 24-byte nonce;
 * its additional data is the name it is stored under, so values cannot be swapped. Names are paths: each text segment
 * is blinded by HMAC-SHA256 (chained over the path), numbers stay in order-preserving hexadecimal, because history is
 * read in order. What the disk shows: how many records there are, their sizes, and numbers in paths.
 *
 * What it does not stop: someone who can write the disk can put the whole store back to an older copy. The message
 * keys' nonces are chosen so that this repeats none (docs/sealed-groups.md §6).
 *
 * Physical key: `e/` ‖ segments joined by `/`; the wrapped storage key lies at `storage-key`.
 * Sealed value: version(1)=1 ‖ nonce(24) ‖ AEAD( pathLength(2) ‖ JSON path ‖ value ).
 */
import type { RandomSource } from '@conclave/ristretto';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { expand } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { encodeBase64url } from '../encoding/base64url.ts';
import { concatBytes, fromUtf8, utf8 } from '../encoding/bytes.ts';
import { ConclaveError } from '../errors/conclave-error.ts';
import type { StateStore } from './state-store.ts';
import { unwrapStorageKey, wrapStorageKey, type Unlock } from './storage-key.ts';

/** Text segments are blinded, non-negative safe integers keep their order. */
export type VaultPath = readonly (string | number)[];

export interface VaultEntry {
  readonly path: VaultPath;
  readonly value: Uint8Array;
}

export type VaultOperation =
  | { readonly put: VaultPath; readonly value: Uint8Array }
  | { readonly delete: VaultPath };

export interface VaultListOptions {
  /** Only direct or indirect children of this path. */
  readonly under: VaultPath;
  /** Exclusive bounds on the number that follows `under`. */
  readonly after?: number;
  readonly before?: number;
  readonly limit?: number;
  readonly reverse?: boolean;
}

export interface Vault {
  get(path: VaultPath): Promise<Uint8Array | undefined>;
  /** In the order of numeric segments; text segments come in an arbitrary but stable order. */
  list(options: VaultListOptions): Promise<VaultEntry[]>;
  /** All or nothing, durable when it resolves. */
  transact(operations: readonly VaultOperation[]): Promise<void>;
  /** Makes `unlock` the only thing that opens this store from now on. */
  changeUnlock(unlock: Unlock): Promise<void>;
  close(): Promise<void>;
}

export interface VaultDeps {
  readonly store: StateStore;
  readonly unlock: Unlock;
  readonly random: RandomSource;
}

const STORAGE_KEY = 'storage-key';
const VERSION = 1;

/** Opens, or on first use creates. Rejects with `STORE_WRONG_KEY`; then, too, the store is closed. */
export async function openVault({ store, unlock, random }: VaultDeps): Promise<Vault> {
  try {
    let record = await store.get(STORAGE_KEY);
    if (record === undefined) {
      record = await wrapStorageKey(random.bytes(32), unlock, random);
      await store.transact([{ put: STORAGE_KEY, value: record }]);
    }
    return createVault(store, await unwrapStorageKey(record, unlock), random);
  } catch (error) {
    await store.close();
    throw error;
  }
}

function createVault(store: StateStore, storageKey: Uint8Array, random: RandomSource): Vault {
  const valueKey = expand(sha256, storageKey, utf8('conclave vault value'), 32);
  const nameKey = expand(sha256, storageKey, utf8('conclave vault name'), 32);

  function physicalKey(path: VaultPath): string {
    let key = 'e';
    for (const segment of path)
      key += `/${typeof segment === 'number' ? orderedNumber(segment) : blind(key, segment)}`;
    return key;
  }

  function blind(parent: string, segment: string): string {
    return encodeBase64url(hmac(sha256, nameKey, utf8(`${parent}\u0000${segment}`)).subarray(0, 16));
  }

  function seal(path: VaultPath, value: Uint8Array): { put: string; value: Uint8Array } {
    const key = physicalKey(path);
    const nonce = random.bytes(24);
    const name = utf8(JSON.stringify(path));
    const plaintext = concatBytes(Uint8Array.of(name.length >>> 8, name.length & 0xff), name, value);
    const box = xchacha20poly1305(valueKey, nonce, utf8(key)).encrypt(plaintext);
    return { put: key, value: concatBytes(Uint8Array.of(VERSION), nonce, box) };
  }

  function open(key: string, sealed: Uint8Array): VaultEntry {
    try {
      if (sealed[0] !== VERSION) throw new RangeError('unknown version of a sealed value');
      const plaintext = xchacha20poly1305(valueKey, sealed.subarray(1, 25), utf8(key)).decrypt(
        sealed.subarray(25),
      );
      const nameEnd = 2 + plaintext[0]! * 256 + plaintext[1]!;
      const path = JSON.parse(fromUtf8(plaintext.subarray(2, nameEnd)) ?? '') as VaultPath;
      return { path, value: plaintext.slice(nameEnd) };
    } catch (error) {
      throw new ConclaveError('STORE_CORRUPT', 'A stored value does not authenticate', { cause: error });
    }
  }

  return {
    async get(path) {
      const key = physicalKey(path);
      const sealed = await store.get(key);
      return sealed === undefined ? undefined : open(key, sealed).value;
    },
    async list({ under, after, before, limit, reverse }) {
      const prefix = `${physicalKey(under)}/`;
      const entries = await store.list({
        prefix,
        // '~' follows every character of a key: what lies below a number is excluded with it.
        ...(after === undefined ? {} : { after: `${prefix}${orderedNumber(after)}~` }),
        ...(before === undefined ? {} : { before: `${prefix}${orderedNumber(before)}` }),
        ...(limit === undefined ? {} : { limit }),
        ...(reverse === undefined ? {} : { reverse }),
      });
      return entries.map(({ key, value }) => open(key, value));
    },
    async transact(operations) {
      await store.transact(
        operations.map((operation) =>
          'put' in operation
            ? seal(operation.put, operation.value)
            : { delete: physicalKey(operation.delete) },
        ),
      );
    },
    async changeUnlock(unlock) {
      await store.transact([{ put: STORAGE_KEY, value: await wrapStorageKey(storageKey, unlock, random) }]);
    },
    close: () => store.close(),
  };
}

/** Fourteen hexadecimal digits: every safe integer, in order. */
function orderedNumber(number: number): string {
  if (!Number.isSafeInteger(number) || number < 0)
    throw new ConclaveError('MISUSE', 'A path number is not a safe integer');
  return number.toString(16).padStart(14, '0');
}
