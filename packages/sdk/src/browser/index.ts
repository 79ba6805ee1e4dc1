/** `@conclave/sdk/browser`: where a browser client keeps its state, and what it computes with. */
import { createSystemRandom } from '../random/system-random.ts';
import { openVault, type Vault } from '../store/vault.ts';
import { openIndexedDbStore } from './indexed-db-store.ts';
import { loadOrCreateWrappingKey } from './wrapping-key.ts';

export { createBrowserSuite } from './browser-suite.ts';
export { openIndexedDbStore } from './indexed-db-store.ts';
export { loadOrCreateWrappingKey } from './wrapping-key.ts';

export interface BrowserStoreOptions {
  /** Name of the IndexedDB database. */
  readonly name: string;
  /** Without one, a non-extractable key kept by the browser opens the store. */
  readonly passphrase?: string;
}

/** Opens an encrypted store. Rejects with `STORE_LOCKED`, `STORE_WRONG_KEY` or `STORE_FAILED`. */
export async function openBrowserStore({ name, passphrase }: BrowserStoreOptions): Promise<Vault> {
  const store = await openIndexedDbStore({ name });
  try {
    return await openVault({
      store,
      random: createSystemRandom(),
      unlock:
        passphrase === undefined
          ? { kind: 'crypto-key', key: await loadOrCreateWrappingKey(name) }
          : { kind: 'passphrase', passphrase },
    });
  } catch (error) {
    await store.close();
    throw error;
  }
}
