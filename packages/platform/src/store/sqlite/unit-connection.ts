/**
 * The connection that one unit of work sees: the writer's, for as long as the unit runs. Many units share the
 * writer and its transaction one after the other, so a query that arrives after its unit has ended would land in
 * another unit's savepoint; it is refused instead.
 */
import type { CompiledQuery, DatabaseConnection, QueryResult } from 'kysely';
import { isOutboxInsert } from '../../outbox/outbox-table.ts';
import { StoreError } from '../store-error.ts';
import type { StatementCache } from './statement-cache.ts';

export class UnitConnection implements DatabaseConnection {
  readonly #statements: StatementCache;
  #over = false;
  #enqueued = false;

  constructor(statements: StatementCache) {
    this.#statements = statements;
  }

  /** Whether the unit inserted into the outbox. */
  get enqueued(): boolean {
    return this.#enqueued;
  }

  end(): void {
    this.#over = true;
  }

  // async, so that what SQLite throws becomes a rejection
  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    this.assertRunning();
    if (isOutboxInsert(query)) this.noteOutbox();
    const statement = this.#statements.prepare(query.sql);
    if (statement.reader) return { rows: statement.all(query.parameters) as R[] };
    const { changes, lastInsertRowid } = statement.run(query.parameters);
    return { insertId: BigInt(lastInsertRowid), numAffectedRows: BigInt(changes), rows: [] };
  }

  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    this.assertRunning();
    for (const row of this.#statements.prepare(query.sql).iterate(query.parameters)) {
      yield { rows: [row as R] };
      this.assertRunning();
    }
  }

  /** The unit inserts into the outbox. */
  noteOutbox(): void {
    this.#enqueued = true;
  }

  /** Throws {@link StoreError} `STORE_UNIT_OVER`. */
  assertRunning(): void {
    if (this.#over) {
      throw new StoreError(
        'STORE_UNIT_OVER',
        'a query was made through the transaction of a unit that is over',
      );
    }
  }
}
