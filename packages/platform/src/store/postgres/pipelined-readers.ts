/**
 * Reads of the last committed state: a few connections that every reader shares. A query joins the connection with the
 * fewest queries under way; nobody takes one for himself, so nobody waits for one, and what many ask in one turn of the event
 * loop travels together.
 *
 * A connection that is lost is replaced at the next query, and what it had not answered is asked again: reading twice
 * does no harm.
 */
import type pg from 'pg';
import type { Clock } from '../../clock/clock.ts';
import { StoreError } from '../store-error.ts';
import { PipelinedConnection, type Statement } from './pipelined-connection.ts';
import { endsConnection, isStalePlan, postgresStoreError, unavailable } from './postgres-error.ts';

export interface ReaderLimits {
  /** Queries under way at most: beyond it they are rejected with `STORE_BUSY`. */
  readonly maxReads: number;
  /** How long a read is tried again while the database cannot be reached. */
  readonly retryForMs: number;
  /** How long the database may say nothing while it is asked, before a connection is given up. */
  readonly silenceMs: number;
}

export interface PipelinedReadersDeps {
  /** Sessions are read-only by it. */
  readonly config: pg.ClientConfig;
  /** Connections at most. */
  readonly connections: number;
  readonly clock: Clock;
  readonly limits: ReaderLimits;
}

/** How often a query is sent again because a connection was lost while it waited there. */
const maxLosses = 3;
const pauseMs = 100;

interface Slot {
  connection: PipelinedConnection | undefined;
  opening: Promise<PipelinedConnection> | undefined;
  /** Queries that were given to this slot and have no answer. */
  load: number;
}

export class PipelinedReaders {
  readonly #deps: PipelinedReadersDeps;
  readonly #slots: Slot[];
  #reads = 0;
  #downSinceMs: number | undefined;
  #closed = false;
  #watchdog: Disposable | undefined;

  constructor(deps: PipelinedReadersDeps) {
    this.#deps = deps;
    this.#slots = Array.from({ length: deps.connections }, () => ({
      connection: undefined,
      opening: undefined,
      load: 0,
    }));
  }

  /** Queries under way. */
  get reads(): number {
    return this.#reads;
  }

  query<Row extends pg.QueryResultRow>(statement: Statement): Promise<pg.QueryResult<Row>> {
    return this.run((connection) => connection.query<Row>(statement));
  }

  /** Runs several queries on one connection, one after the other: `ask` sends them all at once, and may be called again. */
  async run<T>(ask: (connection: PipelinedConnection) => Promise<T>): Promise<T> {
    const { clock, limits } = this.#deps;
    if (this.#closed) throw new StoreError('STORE_CLOSED', 'the store is closed');
    if (this.#reads >= limits.maxReads) throw new StoreError('STORE_BUSY', 'too many reads are under way');
    this.#reads += 1;
    this.#watch();
    try {
      for (let losses = 0; ;) {
        try {
          return await this.#runOnce(ask);
        } catch (error) {
          if (!(error instanceof LostError)) throw postgresStoreError(error) ?? error;
          losses += 1;
          const isDown = this.#downSinceMs !== undefined;
          const downMs = clock.monotonicMs() - (this.#downSinceMs ?? clock.monotonicMs());
          if (this.#closed || (isDown ? downMs > limits.retryForMs : losses > maxLosses)) {
            throw unavailable(error.cause);
          }
          if (isDown) await new Promise<void>((resolve) => clock.schedule(pauseMs, resolve));
        }
      }
    } finally {
      this.#reads -= 1;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#watchdog?.[Symbol.dispose]();
    await Promise.all(
      this.#slots.map(async ({ opening, connection }) => {
        await (await opening?.catch(() => undefined))?.close();
        await connection?.close();
      }),
    );
  }

  async #runOnce<T>(ask: (connection: PipelinedConnection) => Promise<T>): Promise<T> {
    const slot = this.#slots.reduce((least, other) => (other.load < least.load ? other : least));
    slot.load += 1;
    let connection: PipelinedConnection | undefined;
    try {
      connection = await this.#connectionOf(slot);
      return await ask(connection);
    } catch (error) {
      if (connection !== undefined && isStalePlan(error)) connection.destroy(error as Error);
      if (connection === undefined || connection.lostBy !== undefined || endsConnection(error)) {
        throw new LostError(error);
      }
      throw error;
    } finally {
      slot.load -= 1;
    }
  }

  #connectionOf(slot: Slot): PipelinedConnection | Promise<PipelinedConnection> {
    if (slot.connection !== undefined && slot.connection.lostBy === undefined) return slot.connection;
    slot.connection = undefined;
    slot.opening ??= this.#open(slot);
    return slot.opening;
  }

  async #open(slot: Slot): Promise<PipelinedConnection> {
    try {
      slot.connection = await PipelinedConnection.open(this.#deps.config, this.#deps.clock);
      this.#downSinceMs = undefined;
      return slot.connection;
    } catch (error) {
      this.#downSinceMs ??= this.#deps.clock.monotonicMs();
      throw error;
    } finally {
      slot.opening = undefined;
    }
  }

  /** While somebody reads: gives up connections that owe answers and have given none for too long. */
  #watch(): void {
    if (this.#watchdog !== undefined) return;
    const { clock, limits } = this.#deps;
    const seen = this.#slots.map(({ connection }) => connection?.answered);
    this.#watchdog = clock.schedule(limits.silenceMs, () => {
      this.#watchdog = undefined;
      for (const [index, { connection }] of this.#slots.entries()) {
        if (connection === undefined || connection.outstanding === 0) continue;
        if (connection.answered === seen[index]) {
          connection.destroy(new Error(`the database did not answer for ${limits.silenceMs} ms`));
        }
      }
      if (this.#reads > 0 && !this.#closed) this.#watch();
    });
  }
}

/** The connection is gone, and with it the answer. */
class LostError extends Error {
  constructor(cause: unknown) {
    super('the connection was lost', { cause });
  }
}
