import {
  DefaultQueryExecutor,
  DummyDriver,
  PostgresAdapter,
  PostgresQueryCompiler,
  Transaction,
  type Dialect,
} from 'kysely';
import type { UnitConnection } from './unit-connection.ts';

// Stateless, hence shared by all units of all stores.
const ADAPTER = new PostgresAdapter();
const COMPILER = new PostgresQueryCompiler();
/** Never asked: a kysely transaction refuses `transaction()`, `connection()` and `destroy()`. */
const DRIVER = new DummyDriver();
const DIALECT: Dialect = {
  createAdapter: () => ADAPTER,
  createDriver: () => DRIVER,
  createQueryCompiler: () => COMPILER,
  createIntrospector() {
    throw new Error('a unit of work does not introspect the schema');
  },
};

/** A kysely transaction whose queries go to `connection`; beginning and committing are the attempt's affair. */
export class UnitTransaction<DB> extends Transaction<DB> {
  readonly #connection: UnitConnection;

  constructor(connection: UnitConnection) {
    const executor = new DefaultQueryExecutor(COMPILER, ADAPTER, {
      provideConnection: (consumer) => consumer(connection),
    });
    super({ config: { dialect: DIALECT }, dialect: DIALECT, driver: DRIVER, executor });
    this.#connection = connection;
  }

  static connectionOf<DB>(trx: Transaction<DB>): UnitConnection {
    if (!(#connection in trx))
      throw new TypeError('a prepared query runs in the transaction of a unit as it was given');
    return trx.#connection;
  }
}
