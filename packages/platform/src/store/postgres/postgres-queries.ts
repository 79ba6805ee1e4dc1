/**
 * Prepared queries on PostgreSQL: named statements, which each connection prepares at its first use.
 *
 * A list of inserts becomes statements of many rows: 64, 32, … 1 of them, so that seven texts serve lists of any length. It
 * costs this process a third, and PostgreSQL a fifth, of what one statement for each row does. Everything else is sent row by row,
 * without waiting in between.
 */
import {
  DummyDriver,
  InsertQueryNode,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  ValuesNode,
  type CompiledQuery,
  type RootOperationNode,
} from 'kysely';
import { isOutboxInsert } from '../../outbox/outbox-table.ts';
import {
  compilePrepared,
  type PreparedDefinition,
  type PreparedQuery,
  type RowOf,
} from '../prepared-query.ts';
import type { PipelinedReaders } from './pipelined-readers.ts';
import { UnitTransaction } from './unit-transaction.ts';

/** Rows in one statement. A row of twenty columns still leaves it far below the 65,535 parameters of a statement. */
const rowCounts = [64, 32, 16, 8, 4, 2, 1];

export function prepareOnPostgres<DB, Values extends object, Result>(
  deps: { readonly readers: PipelinedReaders; readonly nextName: () => string },
  define: PreparedDefinition<DB, Values, Result>,
): PreparedQuery<DB, Values, RowOf<Result>> {
  const { readers } = deps;
  const { query, bind } = compilePrepared(compilingOnly<DB>(), define);
  const enqueues = isOutboxInsert(query);
  const name = deps.nextName();
  const statementOf = (values: Values) => ({ name, text: query.sql, values: bind(values) });
  const multiples = multiRowTexts(query);

  return {
    async read(values) {
      const { rows } = await readers.query(statementOf(values));
      return rows as RowOf<Result>[];
    },
    async readEach(list) {
      if (list.length === 0) return [];
      const answers = await readers.run(async (connection) => {
        // One state for all of them, if there are several.
        const isOne = list.length === 1;
        const begun = isOne
          ? undefined
          : connection.query({ text: 'begin isolation level repeatable read read only' });
        const asked = list.map((values) => connection.query(statementOf(values)));
        const ended = isOne ? undefined : connection.query({ text: 'commit' });
        return (await Promise.all([Promise.all(asked), begun, ended]))[0];
      });
      return answers.map(({ rows }) => rows as RowOf<Result>[]);
    },
    async run(trx, values) {
      const connection = UnitTransaction.connectionOf(trx);
      connection.assertRunning();
      if (enqueues) connection.noteOutbox();
      const { rows } = await connection.run(statementOf(values));
      return rows as RowOf<Result>[];
    },
    async runEach(trx, list) {
      const connection = UnitTransaction.connectionOf(trx);
      connection.assertRunning();
      if (enqueues && list.length > 0) connection.noteOutbox();
      const sent: Promise<unknown>[] = [];
      for (let start = 0; start < list.length;) {
        const count = multiples === undefined ? 1 : rowCounts.find((rows) => start + rows <= list.length)!;
        const values = list.slice(start, start + count).flatMap((row) => bind(row));
        const text = count === 1 ? query.sql : multiples!.get(count)!;
        sent.push(connection.run({ name: count === 1 ? name : `${name} x${count}`, text, values }));
        start += count;
      }
      await Promise.all(sent);
    },
  };
}

/**
 * The text of an insert of one row for as many rows as a statement may have; undefined for everything else. One with `on
 * conflict` may not meet a row twice, and one with `returning` is asked for its rows one by one.
 */
function multiRowTexts({ query }: CompiledQuery): ReadonlyMap<number, string> | undefined {
  if (!InsertQueryNode.is(query) || query.onConflict !== undefined || query.returning !== undefined) {
    return undefined;
  }
  const { values } = query;
  if (values === undefined || !ValuesNode.is(values) || values.values.length !== 1) return undefined;
  const [row] = values.values;
  const compiler = new PostgresQueryCompiler();
  return new Map(
    rowCounts.map((count) => {
      const rows = ValuesNode.create(Array.from({ length: count }, () => row!));
      const node: RootOperationNode = { ...query, values: rows };
      return [count, compiler.compileQuery(node, { queryId: `rows ${count}` }).sql];
    }),
  );
}

/** Builds and compiles queries for PostgreSQL, and runs none. */
function compilingOnly<DB>(): Kysely<DB> {
  return new Kysely<DB>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  });
}
