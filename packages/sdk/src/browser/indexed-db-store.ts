/**
 * The store of a browser client: one IndexedDB database with strict durability. A Web Lock of the same name is held
 * for as long as the store is open; the browser frees it when the tab goes away, however it goes.
 */
import { openDB, type IDBPDatabase } from 'idb';
import { ConclaveError } from '../errors/conclave-error.ts';
import { keyRange, type StateStore } from '../store/state-store.ts';

const TABLE = 'entry';

/** Opens or creates the database. Rejects with `STORE_LOCKED` when another tab has it open. */
export async function openIndexedDbStore(options: { name: string }): Promise<StateStore> {
  const lock = await takeLock(`conclave:${options.name}`);
  let database: IDBPDatabase;
  try {
    database = await openDB(options.name, 1, {
      upgrade(fresh) {
        fresh.createObjectStore(TABLE);
      },
    });
  } catch (error) {
    await lock.release();
    throw new ConclaveError('STORE_FAILED', 'The browser refused to open its database', { cause: error });
  }
  let closed = false;
  const running = new Set<Promise<unknown>>();

  async function run<T>(work: () => Promise<T>): Promise<T> {
    if (closed) throw new ConclaveError('CLIENT_CLOSED', 'The store is closed');
    const promise = work();
    running.add(promise);
    try {
      return await promise;
    } catch (error) {
      throw new ConclaveError('STORE_FAILED', 'The local database failed', { cause: error });
    } finally {
      running.delete(promise);
    }
  }

  return {
    get: (key) => run(async () => (await database.get(TABLE, key)) as Uint8Array | undefined),
    list: (listOptions) =>
      run(async () => {
        const range = keyRange(listOptions);
        const limit = listOptions.limit ?? Number.POSITIVE_INFINITY;
        const lower = range.fromExclusive === '' ? range.from : range.fromExclusive;
        if (limit <= 0 || lower >= range.toExclusive) return [];
        const bounds = IDBKeyRange.bound(lower, range.toExclusive, range.fromExclusive !== '', true);
        const entries = [];
        const direction = listOptions.reverse === true ? 'prev' : 'next';
        let cursor = await database.transaction(TABLE).store.openCursor(bounds, direction);
        while (cursor !== null && entries.length < limit) {
          entries.push({ key: cursor.key as string, value: cursor.value as Uint8Array });
          cursor = await cursor.continue();
        }
        return entries;
      }),
    transact: (operations) =>
      run(async () => {
        // Copied before the transaction opens: whatever fails here leaves nothing behind.
        const copies = operations.map((operation) =>
          'put' in operation ? { put: operation.put, value: operation.value.slice() } : operation,
        );
        const transaction = database.transaction(TABLE, 'readwrite', { durability: 'strict' });
        const steps = copies.map((operation) =>
          'put' in operation
            ? transaction.store.put(operation.value, operation.put)
            : transaction.store.delete(operation.delete),
        );
        await Promise.all([...steps, transaction.done]);
      }),
    async close() {
      if (closed) return;
      closed = true;
      await Promise.allSettled(running);
      database.close();
      await lock.release();
    },
  };
}

async function takeLock(name: string): Promise<{ release: () => Promise<void> }> {
  return await new Promise((resolve, reject) => {
    const held = navigator.locks.request(name, { ifAvailable: true }, async (lock) => {
      if (lock === null) throw new ConclaveError('STORE_LOCKED', 'Another tab uses this store');
      // The lock is ours until this callback's promise resolves; the browser has freed it once `held` does.
      await new Promise<void>((letGo) => {
        resolve({
          release: async () => {
            letGo();
            await held;
          },
        });
      });
    });
    held.catch(reject);
  });
}
