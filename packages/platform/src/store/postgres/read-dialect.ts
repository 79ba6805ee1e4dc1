/**
 * Kysely on the shared reading connections. Streams and transactions need a connection of their own, which is opened for
 * each: they are rare (exports, moves to another store), and must not hold up the readers.
 */
import {
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
} from 'kysely';
import type pg from 'pg';
import type { Clock } from '../../clock/clock.ts';
import { PipelinedConnection } from './pipelined-connection.ts';
import type { PipelinedReaders } from './pipelined-readers.ts';
import { unavailable } from './postgres-error.ts';

export function readDialect(readers: PipelinedReaders, streamConfig: pg.ClientConfig, clock: Clock): Dialect {
  return {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new ReadDriver(readers, streamConfig, clock),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  };
}

class ReadDriver implements Driver {
  readonly #readers: PipelinedReaders;
  readonly #streamConfig: pg.ClientConfig;
  readonly #clock: Clock;

  constructor(readers: PipelinedReaders, streamConfig: pg.ClientConfig, clock: Clock) {
    this.#readers = readers;
    this.#streamConfig = streamConfig;
    this.#clock = clock;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<ReadConnection> {
    return new ReadConnection(this.#readers, this.#streamConfig, this.#clock);
  }

  /** Reads one state from its first query to its end. */
  async beginTransaction(connection: ReadConnection): Promise<void> {
    await connection.begin();
  }

  async commitTransaction(connection: ReadConnection): Promise<void> {
    await connection.end();
  }

  async rollbackTransaction(connection: ReadConnection): Promise<void> {
    await connection.end();
  }

  async releaseConnection(connection: ReadConnection): Promise<void> {
    await connection.end();
  }

  /** The readers belong to the store. */
  async destroy(): Promise<void> {}
}

class ReadConnection implements DatabaseConnection {
  readonly #readers: PipelinedReaders;
  readonly #streamConfig: pg.ClientConfig;
  readonly #clock: Clock;
  #own: PipelinedConnection | undefined;

  constructor(readers: PipelinedReaders, streamConfig: pg.ClientConfig, clock: Clock) {
    this.#readers = readers;
    this.#streamConfig = streamConfig;
    this.#clock = clock;
  }

  async begin(): Promise<void> {
    const own = await this.#open();
    await own.query({ text: 'begin isolation level repeatable read read only' });
    this.#own = own;
  }

  async end(): Promise<void> {
    const own = this.#own;
    this.#own = undefined;
    await own?.close();
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const statement = { text: query.sql, values: query.parameters };
    const { rows } = await (this.#own ?? this.#readers).query(statement);
    return { rows: rows as R[] };
  }

  async *streamQuery<R>(query: CompiledQuery, chunkSize = 100): AsyncIterableIterator<QueryResult<R>> {
    const connection = this.#own ?? (await this.#open());
    try {
      if (this.#own === undefined) await connection.query({ text: 'begin read only' });
      await connection.query({
        text: `declare streamed no scroll cursor for ${query.sql}`,
        values: query.parameters,
      });
      for (;;) {
        const { rows } = await connection.query({ text: `fetch ${Math.trunc(chunkSize)} from streamed` });
        if (rows.length === 0) break;
        yield { rows: rows as R[] };
      }
      await connection.query({ text: 'close streamed' });
    } finally {
      if (connection !== this.#own) await connection.close();
    }
  }

  async #open(): Promise<PipelinedConnection> {
    try {
      return await PipelinedConnection.open(this.#streamConfig, this.#clock);
    } catch (error) {
      throw unavailable(error);
    }
  }
}
