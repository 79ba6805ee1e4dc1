/** A store that lives as long as the process: for tests and for clients that must leave no trace on disk. */
import { ConclaveError } from '../errors/conclave-error.ts';
import { keyRange, type StateStore } from './state-store.ts';

export function createMemoryStore(): StateStore {
  const valueByKey = new Map<string, Uint8Array>();
  let closed = false;

  function assertOpen(): void {
    if (closed) throw new ConclaveError('CLIENT_CLOSED', 'The store is closed');
  }

  return {
    async get(key) {
      assertOpen();
      return valueByKey.get(key)?.slice();
    },
    async list(options) {
      assertOpen();
      const range = keyRange(options);
      const keys = [...valueByKey.keys()]
        .filter((key) => key >= range.from && key < range.toExclusive)
        .filter((key) => range.fromExclusive === '' || key > range.fromExclusive)
        .sort();
      if (options.reverse === true) keys.reverse();
      return keys
        .slice(0, options.limit ?? keys.length)
        .map((key) => ({ key, value: (valueByKey.get(key) as Uint8Array).slice() }));
    },
    async transact(operations) {
      assertOpen();
      // Copied before the first is applied: all or nothing.
      const copies = operations.map((operation) =>
        'put' in operation ? { put: operation.put, value: operation.value.slice() } : operation,
      );
      for (const operation of copies) {
        if ('put' in operation) valueByKey.set(operation.put, operation.value);
        else valueByKey.delete(operation.delete);
      }
    },
    async close() {
      closed = true;
    },
  };
}
