/**
 * A non-extractable AES-GCM key that the browser itself keeps: scripts can use it but never read it. It protects a
 * store without a passphrase against copying of the profile's exported data, not against code running in the page.
 */
import { openDB } from 'idb';
import { ConclaveError } from '../errors/conclave-error.ts';

const TABLE = 'key';

/** Loads the key of this name, or creates it. The store's lock makes this the only caller for its name. */
export async function loadOrCreateWrappingKey(name: string): Promise<CryptoKey> {
  if (globalThis.crypto?.subtle === undefined) {
    throw new ConclaveError('MISUSE', 'Without a secure context (https or localhost) a passphrase is needed');
  }
  const database = await openDB(`${name}:wrapping-key`, 1, {
    upgrade(fresh) {
      fresh.createObjectStore(TABLE);
    },
  });
  try {
    const existing = (await database.get(TABLE, 'key')) as CryptoKey | undefined;
    if (existing !== undefined) return existing;
    const created = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, [
      'encrypt',
      'decrypt',
    ]);
    const transaction = database.transaction(TABLE, 'readwrite', { durability: 'strict' });
    await Promise.all([transaction.store.put(created, 'key'), transaction.done]);
    return created;
  } finally {
    database.close();
  }
}
