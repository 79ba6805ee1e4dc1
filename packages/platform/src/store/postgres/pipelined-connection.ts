/**
 * One connection on which queries are sent without waiting for the answers to earlier ones; PostgreSQL answers in order.
 * What is sent within one turn of the event loop leaves as one packet: a transaction's beginning travels with its first
 * query, a list of inserts as a whole.
 *
 *   query(a) query(b) query(c) ──one write──▶ PostgreSQL ──▶ a's rows, b's error, c's rows
 *
 * Each query is a protocol step of its own: outside of a transaction one that fails does not touch its neighbours.
 *
 * A network that says nothing any more looks like a database that thinks. Whoever shares a connection watches it (`answered`);
 * who asks alone says how long he waits (`queryWithin`).
 */
import pg from 'pg';
import type { Clock } from '../../clock/clock.ts';
import { endsConnection } from './postgres-error.ts';

export interface Statement {
  readonly text: string;
  readonly values?: readonly unknown[];
  /** Prepares the statement under this name; the same name is always the same text. */
  readonly name?: string;
}

/** The part of the driver's internals that is used: a Node stream, or one of its kind. */
interface WithStream {
  readonly connection: { readonly stream: { cork(): void; uncork(): void; destroy(): void } };
}

/** How long a connection is waited for that is to be closed, before it is ended without a word. */
const goodbyeMs = 5_000;

export class PipelinedConnection {
  readonly #client: pg.Client;
  readonly #clock: Clock;
  #outstanding = 0;
  #answered = 0;
  #corked = false;
  #lostBy: Error | undefined;
  #onLost: (() => void) | undefined;

  private constructor(client: pg.Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
    client.on('error', (error) => this.#lose(error));
    client.on('end', () => this.#lose(new Error('the connection to the database ended')));
  }

  /** `clock` is real time. Rejects within the `connectionTimeoutMillis` of the configuration. */
  static async open(config: pg.ClientConfig, clock: Clock): Promise<PipelinedConnection> {
    const client = new pg.Client({ ...config, pipeline: true });
    const connection = new PipelinedConnection(client, clock);
    await client.connect();
    return connection;
  }

  /** Queries that wait for their answers. */
  get outstanding(): number {
    return this.#outstanding;
  }

  /** Grows with every answer: whoever sees it stand still for too long knows that nothing comes. */
  get answered(): number {
    return this.#answered;
  }

  /** Why no query can be sent any more; undefined while the connection stands. */
  get lostBy(): Error | undefined {
    return this.#lostBy;
  }

  /** Called once, when the connection is lost, or at once if it is. Not more than one listener. */
  onLost(listener: () => void): void {
    if (this.#lostBy === undefined) this.#onLost = listener;
    else listener();
  }

  /** Calls it with what others NOTIFY on the channels that this connection listens to. */
  onNotification(listener: (payload: string | undefined) => void): void {
    this.#client.on('notification', ({ payload }) => listener(payload));
  }

  async query<Row extends pg.QueryResultRow>(statement: Statement): Promise<pg.QueryResult<Row>> {
    if (this.#lostBy !== undefined) throw this.#lostBy;
    this.#cork();
    this.#outstanding += 1;
    try {
      return await this.#client.query<Row>(statement as pg.QueryConfig);
    } catch (error) {
      if (endsConnection(error)) this.destroy(error as Error);
      throw error;
    } finally {
      this.#outstanding -= 1;
      this.#answered += 1;
    }
  }

  /** As `query`; without an answer in time the connection is destroyed, and what waits on it is rejected. */
  async queryWithin<Row extends pg.QueryResultRow>(
    timeoutMs: number,
    statement: Statement,
  ): Promise<pg.QueryResult<Row>> {
    using _deadline = this.#clock.schedule(timeoutMs, () => {
      this.destroy(new Error(`the database did not answer for ${timeoutMs} ms`));
    });
    return await this.query<Row>(statement);
  }

  /** Ends it without a word: what waits for an answer is rejected. */
  destroy(reason: Error): void {
    this.#lose(reason);
    this.#stream.destroy();
  }

  /** Waits for the answers, a little while, then says goodbye. */
  async close(): Promise<void> {
    if (this.#lostBy !== undefined) return;
    using _deadline = this.#clock.schedule(goodbyeMs, () => {
      this.destroy(new Error(`the database did not answer for ${goodbyeMs} ms`));
    });
    await this.#client.end();
  }

  get #stream(): WithStream['connection']['stream'] {
    return (this.#client as unknown as WithStream).connection.stream;
  }

  /** Holds back what is written until everything that follows in this turn without waiting has been written, too. */
  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    const stream = this.#stream;
    stream.cork();
    process.nextTick(() => {
      this.#corked = false;
      stream.uncork();
    });
  }

  #lose(error: Error): void {
    if (this.#lostBy !== undefined) return;
    this.#lostBy = error;
    this.#onLost?.();
  }
}
