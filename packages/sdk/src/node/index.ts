/** `@conclave/sdk/node`: where a Node client keeps its state. */
import { createSystemRandom } from '../random/system-random.ts';
import { openVault, type Vault } from '../store/vault.ts';
import { loadOrCreateKeyFile } from './key-file.ts';
import { openSqliteStore } from './sqlite-store.ts';

export { createNodeSuite } from './node-suite.ts';
export { loadOrCreateKeyFile } from './key-file.ts';
export { openSqliteStore } from './sqlite-store.ts';

export interface NodeStoreOptions {
  /** Path of the database file; created when missing. */
  readonly path: string;
  /** A passphrase, or the path of a key file (created with mode 0600 when missing). */
  readonly unlock: { readonly passphrase: string } | { readonly keyFile: string };
}

/** Opens an encrypted store. Rejects with `STORE_LOCKED`, `STORE_WRONG_KEY`, `KEY_FILE_UNSAFE` or `STORE_FAILED`. */
export async function openNodeStore({ path, unlock }: NodeStoreOptions): Promise<Vault> {
  const random = createSystemRandom();
  const store = await openSqliteStore({ path });
  try {
    return await openVault({
      store,
      random,
      unlock:
        'passphrase' in unlock
          ? { kind: 'passphrase', passphrase: unlock.passphrase }
          : { kind: 'key', key: loadOrCreateKeyFile(unlock.keyFile, random) },
    });
  } catch (error) {
    await store.close();
    throw error;
  }
}
