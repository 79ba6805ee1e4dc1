/**
 * Prepared queries on SQLite: one statement per query and connection, never evicted; there are as many as the program
 * defines. Reads go to the writing connection, whose cache of pages stays good when it commits, where another connection
 * has to drop its own. Only while a group of units is open, whose changes nobody may see yet, they go to the reading one.
 * It is not that of `db`, so that a stream there neither holds them up nor keeps them in its snapshot.
 */
import type { Database, Statement } from 'better-sqlite3';
import { DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely';
import { isOutboxInsert } from '../../outbox/outbox-table.ts';
import { compilePrepared } from '../prepared-query.ts';
import type { PreparedDefinition, PreparedQuery, RowOf } from '../prepared-query.ts';
import { UnitTransaction } from './unit-transaction.ts';

export function prepareOnSqlite<DB, Values extends object, Result>(
  connections: { readonly writer: Database; readonly reader: Database },
  define: PreparedDefinition<DB, Values, Result>,
): PreparedQuery<DB, Values, RowOf<Result>> {
  const { query, bind } = compilePrepared(compilingOnly<DB>(), define);
  const enqueues = isOutboxInsert(query);
  const { writer, reader } = connections;
  // Prepared at the first use: a query that only units run is none that the reader could prepare.
  let onReader: Statement | undefined;
  let onWriter: Statement | undefined;
  const forUnits = (): Statement => (onWriter ??= writer.prepare(query.sql));
  const forReads = (): Statement => {
    const statement = writer.inTransaction ? (onReader ??= reader.prepare(query.sql)) : forUnits();
    if (!statement.readonly) throw new Error('a query that changes something is for units only');
    return statement;
  };
  return {
    // async: what SQLite throws becomes a rejection
    async read(values) {
      return forReads().all(bind(values)) as RowOf<Result>[];
    },
    async readEach(list) {
      const statement = forReads();
      // One turn: nobody writes meanwhile.
      return list.map((values) => statement.all(bind(values)) as RowOf<Result>[]);
    },
    async run(trx, values) {
      const connection = UnitTransaction.connectionOf(trx);
      connection.assertRunning();
      if (enqueues) connection.noteOutbox();
      const statement = forUnits();
      if (statement.reader) return statement.all(bind(values)) as RowOf<Result>[];
      statement.run(bind(values));
      return [];
    },
    async runEach(trx, list) {
      const connection = UnitTransaction.connectionOf(trx);
      connection.assertRunning();
      if (enqueues && list.length > 0) connection.noteOutbox();
      const statement = forUnits();
      for (const values of list) {
        if (statement.reader) statement.all(bind(values));
        else statement.run(bind(values));
      }
    },
  };
}

/** Builds and compiles queries for SQLite, and runs none. */
function compilingOnly<DB>(): Kysely<DB> {
  return new Kysely<DB>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  });
}
