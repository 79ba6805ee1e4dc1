/** An encrypted store in memory: for tests and for clients that must leave no trace on disk. */
import { createSystemRandom } from '../random/system-random.ts';
import { createMemoryStore } from './memory-store.ts';
import { openVault, type Vault } from './vault.ts';

export async function openEphemeralStore(): Promise<Vault> {
  const random = createSystemRandom();
  return await openVault({
    store: createMemoryStore(),
    unlock: { kind: 'key', key: random.bytes(32) },
    random,
  });
}
