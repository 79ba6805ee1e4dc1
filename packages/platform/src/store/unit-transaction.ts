/** Kysely transactions of units of work, for the adapters of both engines. */
import { DefaultQueryExecutor, DummyDriver, Transaction } from 'kysely';
import type { DatabaseConnection, Dialect, DialectAdapter, QueryCompiler } from 'kysely';

/** Never asked: a kysely transaction refuses `transaction()`, `connection()` and `destroy()`. */
const driver = new DummyDriver();

/**
 * The class of an engine's transactions, whose queries go to the connection of their unit; beginning and committing are
 * the affair of whoever runs units. `adapter` and `compiler` have no state, so all units of all stores share them.
 */
export function unitTransactionOf<Connection extends DatabaseConnection>(
  adapter: DialectAdapter,
  compiler: QueryCompiler,
) {
  const dialect: Dialect = {
    createAdapter: () => adapter,
    createDriver: () => driver,
    createQueryCompiler: () => compiler,
    createIntrospector() {
      throw new Error('a unit of work does not introspect the schema');
    },
  };

  return class UnitTransaction<DB> extends Transaction<DB> {
    readonly #connection: Connection;

    constructor(connection: Connection) {
      const executor = new DefaultQueryExecutor(compiler, adapter, {
        provideConnection: (consumer) => consumer(connection),
      });
      super({ config: { dialect }, dialect, driver, executor });
      this.#connection = connection;
    }

    /** Throws a TypeError for a transaction that is not one of this engine's units, as it was given. */
    static connectionOf<DB>(trx: Transaction<DB>): Connection {
      if (!(#connection in trx))
        throw new TypeError('a prepared query runs in the transaction of a unit as it was given');
      return trx.#connection;
    }
  };
}
