/**
 * The transaction that one attempt of a unit sees, on a connection that is the unit's alone meanwhile.
 *
 *   begin ─▶ marker (writer-session.ts) ─▶ the unit's queries ─▶ commit
 *   └── sent together, without waiting ──┘
 *
 * PostgreSQL aborts the whole transaction when one statement fails; SQLite undoes the statement. Units are written for the
 * latter: they may catch a unique violation and go on. Most never do, so an attempt runs without savepoints first; if the
 * unit goes on after a failure, the attempt is given up (`needsSavepoints`) and the next one has one around each statement.
 */
import type { CompiledQuery, DatabaseConnection, QueryResult } from 'kysely';
import type { QueryResultRow } from 'pg';
import { isOutboxInsert } from '../../outbox/outbox-table.ts';
import { StoreError } from '../store-error.ts';
import type { PipelinedConnection, Statement } from './pipelined-connection.ts';
import { isAbortedTransaction, isConflict, isStalePlan } from './postgres-error.ts';

export class UnitConnection implements DatabaseConnection {
  readonly #connection: PipelinedConnection;
  readonly #savepoints: boolean;
  #over = false;
  #enqueued = false;
  #conflict: unknown;
  #failure: unknown;
  #wentOn = false;
  #started = 0;
  /** With savepoints statements go one after the other, so that each is alone in its own. */
  #previous: Promise<unknown> = Promise.resolve();

  constructor(connection: PipelinedConnection, savepoints: boolean) {
    this.#connection = connection;
    this.#savepoints = savepoints;
  }

  /** Whether the unit inserted into the outbox. */
  get enqueued(): boolean {
    return this.#enqueued;
  }

  /** A lost race, if a statement met one: whatever the unit made of it, it is to run again. */
  get conflict(): unknown {
    return this.#conflict;
  }

  /** What the first failed statement failed with, when nothing of the transaction can be committed any more. */
  get failure(): unknown {
    return this.#savepoints ? undefined : this.#failure;
  }

  /** The unit sent a further query after it had heard of the failure. */
  get wentOn(): boolean {
    return this.#wentOn;
  }

  /** Grows with every statement that is sent. */
  get started(): number {
    return this.#started;
  }

  get outstanding(): number {
    return this.#connection.outstanding;
  }

  end(): void {
    this.#over = true;
  }

  /** The unit inserts into the outbox. */
  noteOutbox(): void {
    this.#enqueued = true;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    this.assertRunning();
    if (isOutboxInsert(query)) this.noteOutbox();
    const { rows, rowCount, command } = await this.run({ text: query.sql, values: query.parameters });
    const changes =
      command === 'INSERT' || command === 'UPDATE' || command === 'DELETE' || command === 'MERGE';
    return {
      rows: rows as R[],
      ...(changes ? { numAffectedRows: BigInt(rowCount ?? 0) } : {}),
    };
  }

  /** All at once: a unit is short, and what it reads fits into memory. */
  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    yield await this.executeQuery<R>(query);
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

  async run(statement: Statement) {
    this.#started += 1;
    if (!this.#savepoints) return await this.#runPlain(statement);
    const result = this.#previous.then(() => this.#runInSavepoint(statement));
    this.#previous = result.catch(() => undefined);
    return await result;
  }

  async #runPlain(statement: Statement) {
    if (this.#failure !== undefined) {
      this.#wentOn = true;
      throw new StoreError('STORE_UNIT_OVER', 'a statement of the unit has failed; the unit will run again');
    }
    return await this.#send(statement);
  }

  async #runInSavepoint(statement: Statement) {
    // Not waited for: it travels with the statement, and fails only if that does.
    void this.#connection.query({ text: 'savepoint statement' }).catch(ignore);
    try {
      const result = await this.#send(statement);
      void this.#connection.query({ text: 'release statement' }).catch(ignore);
      return result;
    } catch (error) {
      void this.#connection.query({ text: 'rollback to statement' }).catch(ignore);
      throw error;
    }
  }

  async #send(statement: Statement) {
    try {
      return await this.#connection.query<QueryResultRow>(statement);
    } catch (error) {
      if (isConflict(error) || isStalePlan(error)) this.#conflict ??= error;
      if (!isAbortedTransaction(error)) this.#failure ??= error;
      throw error;
    }
  }
}

/** What a command of the transaction itself failed with is seen by the next statement, or by its commit. */
function ignore(): void {}
