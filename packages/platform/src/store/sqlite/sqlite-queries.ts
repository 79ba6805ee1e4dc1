/**
 * Prepared queries on SQLite: one statement per query for the writer, one for reads, neither ever evicted; there are as
 * many as the program defines. Reads have a connection of their own, so that a stream of `db` neither holds them up nor
 * keeps them in its snapshot.
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
  // Prepared at the first use: a query that only units run is none that the reader could prepare.
  let reading: Statement | undefined;
  let writing: Statement | undefined;
  return {
    // async: what SQLite throws becomes a rejection
    async read(values) {
      reading ??= connections.reader.prepare(query.sql);
      return reading.all(bind(values)) as RowOf<Result>[];
    },
    async readEach(list) {
      const statement = (reading ??= connections.reader.prepare(query.sql));
      // One turn: nobody writes meanwhile.
      return list.map((values) => statement.all(bind(values)) as RowOf<Result>[]);
    },
    async run(trx, values) {
      const connection = UnitTransaction.connectionOf(trx);
      connection.assertRunning();
      if (enqueues) connection.noteOutbox();
      writing ??= connections.writer.prepare(query.sql);
      if (writing.reader) return writing.all(bind(values)) as RowOf<Result>[];
      writing.run(bind(values));
      return [];
    },
    async runEach(trx, list) {
      const connection = UnitTransaction.connectionOf(trx);
      connection.assertRunning();
      if (enqueues && list.length > 0) connection.noteOutbox();
      writing ??= connections.writer.prepare(query.sql);
      for (const values of list) {
        if (writing.reader) writing.all(bind(values));
        else writing.run(bind(values));
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
