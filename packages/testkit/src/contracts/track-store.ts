/**
 * A store that knows when nobody waits for it: so that a manual clock moves only once everything that is due has happened, on
 * databases whose answers take a while as on those that answer at once.
 */
import type { PreparedQuery, Store } from '@conclave/platform';

export interface TrackedStore<DB> {
  readonly store: Store<DB>;
  /** Resolves when no read, unit or horizon is under way, and none follows from the last one. */
  readonly quiet: () => Promise<void>;
}

export function trackStore<DB>(store: Store<DB>): TrackedStore<DB> {
  const underWay = new Set<Promise<unknown>>();
  const track = <T>(promise: Promise<T>): Promise<T> => {
    const over = () => void underWay.delete(promise);
    underWay.add(promise);
    promise.then(over, over);
    return promise;
  };
  const trackQuery = <Values, Row>(
    query: PreparedQuery<DB, Values, Row>,
  ): PreparedQuery<DB, Values, Row> => ({
    read: (values) => track(query.read(values)),
    readEach: (list) => track(query.readEach(list)),
    run: (trx, values) => query.run(trx, values),
    runEach: (trx, list) => query.runEach(trx, list),
  });
  return {
    store: {
      engine: store.engine,
      db: store.db,
      prepare: (define) => trackQuery(store.prepare(define)),
      write: (unit, options) => track(store.write(unit, options)),
      horizon: (table) => track(store.horizon(table)),
      onOutbox: (listener) => store.onOutbox(listener),
      close: () => store.close(),
    },
    quiet: async () => {
      do {
        await Promise.allSettled(underWay);
        await new Promise((resolve) => {
          setImmediate(resolve);
        });
      } while (underWay.size > 0);
    },
  };
}
