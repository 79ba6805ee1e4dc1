/**
 * The one connection on which a process holds its leases. When it ends, so does every lease: PostgreSQL frees the lock that
 * says "this process lives", and the process hears that its connection is gone.
 */
import pg from 'pg';
import type { Clock } from '../../clock/clock.ts';
import type { RandomSource } from '../../random/random-source.ts';
import { postgresClientConfig, type PostgresTarget } from '../../store/postgres/postgres-config.ts';
import { LeaseError } from '../leases.ts';
import { listenForReleases, lockSession } from './leases-table.ts';

export interface LeaseSessionDeps {
  readonly target: PostgresTarget;
  readonly holder: string;
  /** How long a query may take. A connection that does not answer in time is given up. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly onRelease: () => void;
  /** Called once, when the connection has ended, whoever ended it. */
  readonly onEnd: (reason: Error) => void;
}

export class LeaseSession {
  readonly key: string;
  readonly #client: pg.Client;
  readonly #deps: LeaseSessionDeps;
  #endedBy: Error | undefined;

  private constructor(deps: LeaseSessionDeps, client: pg.Client) {
    this.#deps = deps;
    this.#client = client;
    this.key = lockKeyFrom(deps.random);
    client.on('error', (error) => this.end(error));
    client.on('end', () => this.end(new Error('the connection ended')));
    client.on('notification', () => deps.onRelease());
  }

  /** Rejects with {@link LeaseError} `LEASES_UNAVAILABLE`. */
  static async open(deps: LeaseSessionDeps): Promise<LeaseSession> {
    const client = new pg.Client(
      postgresClientConfig(deps.target, {
        applicationName: 'conclave leases',
        connectTimeoutMs: deps.timeoutMs,
        // The server notices a client that has vanished without a word.
        settings: { tcp_keepalives_idle: '10', tcp_keepalives_interval: '5', tcp_keepalives_count: '3' },
      }),
    );
    const session = new LeaseSession(deps, client);
    try {
      await client.connect();
      await session.query(lockSession, [session.key]);
      await session.query(listenForReleases);
      return session;
    } catch (cause) {
      session.end(cause as Error);
      throw new LeaseError('LEASES_UNAVAILABLE', 'the database that keeps the leases cannot be reached', {
        cause,
      });
    }
  }

  get endedBy(): Error | undefined {
    return this.#endedBy;
  }

  /** Rejects, and ends the connection, when the query fails or takes too long: leases are safe only with a clear answer. */
  async query<Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    if (this.#endedBy !== undefined) throw this.#endedBy;
    const late = Promise.withResolvers<never>();
    using _timer = this.#deps.clock.schedule(this.#deps.timeoutMs, () => {
      late.reject(new Error(`the database did not answer within ${this.#deps.timeoutMs} ms`));
    });
    const answer = this.#client.query<Row>(text, [...values]);
    answer.catch(() => {});
    try {
      return (await Promise.race([answer, late.promise])).rows;
    } catch (error) {
      this.end(error as Error);
      throw error;
    }
  }

  /** Without waiting for anything: what is under way is rejected. */
  end(reason: Error): void {
    if (this.#endedBy !== undefined) return;
    this.#endedBy = reason;
    (this.#client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    this.#deps.onEnd(reason);
  }
}

/** 64 random bits as PostgreSQL names an advisory lock: the decimal text of a signed integer. */
function lockKeyFrom(random: RandomSource): string {
  return new DataView(random.bytes(8).buffer).getBigInt64(0).toString();
}
