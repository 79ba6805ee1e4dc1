import { DefaultQueryExecutor, DummyDriver, SqliteAdapter, SqliteQueryCompiler, Transaction } from 'kysely';
import type { Dialect } from 'kysely';
import type { UnitConnection } from './unit-connection.ts';

// Stateless, hence shared by all units of all stores.
const ADAPTER = new SqliteAdapter();
const COMPILER = new SqliteQueryCompiler();
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

/** A kysely transaction whose queries go to `connection`; beginning and committing are the group's affair. */
export function createUnitTransaction<DB>(connection: UnitConnection): Transaction<DB> {
  const executor = new DefaultQueryExecutor(COMPILER, ADAPTER, {
    provideConnection: (consumer) => consumer(connection),
  });
  return new Transaction<DB>({ config: { dialect: DIALECT }, dialect: DIALECT, driver: DRIVER, executor });
}
