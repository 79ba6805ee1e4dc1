/**
 * One connection on which queries are sent without waiting for the answers to earlier ones; PostgreSQL answers in order.
 * What is sent within one turn of the event loop leaves as one packet: a transaction's beginning travels with its first
 * query, a list of inserts as a whole.
 *
 *   query(a) query(b) query(c) ──one write──▶ PostgreSQL ──▶ a's rows, b's error, c's rows
 *
 * Each query is a protocol step of its own: outside of a transaction one that fails does not touch its neighbours.
 */
import pg from 'pg';
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

export class PipelinedConnection {
  readonly #client: pg.Client;
  #outstanding = 0;
  #answered = 0;
  #corked = false;
  #lostBy: Error | undefined;
  #onLost: (() => void) | undefined;

  private constructor(client: pg.Client) {
    this.#client = client;
    client.on('error', (error) => this.#lose(error));
    client.on('end', () => this.#lose(new Error('the connection to the database ended')));
  }

  static async open(config: pg.ClientConfig): Promise<PipelinedConnection> {
    const client = new pg.Client({ ...config, pipeline: true });
    const connection = new PipelinedConnection(client);
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

  /** Ends it without a word: what waits for an answer is rejected. */
  destroy(reason: Error): void {
    this.#lose(reason);
    this.#stream.destroy();
  }

  /** Waits for the answers, then says goodbye. */
  async close(): Promise<void> {
    if (this.#lostBy === undefined) await this.#client.end();
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
