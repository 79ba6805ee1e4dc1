/**
 * A store whose units may be refused before they begin: while it is read-only (read-only-switch.ts), or once a newer
 * program has changed the schema beyond what this one knows (schema-watch.ts). Reads go on.
 */
import type { Transaction } from 'kysely';
import type { StoreError } from './store-error.ts';
import type { Store, WriteOptions } from './store.ts';

/** `refusal` is asked at every unit, so it only looks something up. */
export function gateWrites<DB>(store: Store<DB>, refusal: () => StoreError | undefined): Store<DB> {
  return wrapWrites(store, (unit, options) => {
    const refused = refusal();
    return refused === undefined ? store.write(unit, options) : Promise.reject(refused);
  });
}

/** The same store with another way into `write`. Member by member: an adapter may be a class with private fields. */
export function wrapWrites<DB>(
  store: Store<DB>,
  write: <T>(unit: (trx: Transaction<DB>) => Promise<T>, options?: WriteOptions) => Promise<T>,
): Store<DB> {
  return {
    engine: store.engine,
    db: store.db,
    prepare: (define) => store.prepare(define),
    write,
    horizon: (table) => store.horizon(table),
    onOutbox: (listener) => store.onOutbox(listener),
    close: () => store.close(),
  };
}
