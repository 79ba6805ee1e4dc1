/**
 * The store on PostgreSQL (15 or newer), for any number of processes.
 *
 *   write(unit) ─▶ UnitQueue ─▶ sessions for writing ─▶ PostgreSQL
 *   db, prepared.read ────────▶ shared readers ───────▶   last committed state
 *   onOutbox ◀── own commits, LISTEN ── one connection ─▶   NOTIFY
 *   horizon ──────────────────▶ shared readers
 *
 * `maxConnections` counts all of them, and one for leases (../../leases), which are not opened here. Called by the composition
 * root, once.
 */
import { Kysely, type Transaction } from 'kysely';
import type { Clock } from '../../clock/clock.ts';
import type { Log } from '../../log/log.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import type { OutboxTables } from '../../outbox/outbox-table.ts';
import type { RandomSource } from '../../random/random-source.ts';
import { systemRandom } from '../../random/system-random.ts';
import type { MigrationSequence } from '../migration.ts';
import { StoreError } from '../store-error.ts';
import type { Store, WriteOptions } from '../store.ts';
import { Horizons } from './horizon.ts';
import { migratePostgres } from './migrate-postgres.ts';
import { openOutboxChannel } from './outbox-channel.ts';
import { PipelinedReaders } from './pipelined-readers.ts';
import { postgresClientConfig, type PostgresTarget } from './postgres-config.ts';
import { unavailable } from './postgres-error.ts';
import { observeUnits } from './postgres-metrics.ts';
import { prepareOnPostgres } from './postgres-queries.ts';
import { readDialect } from './read-dialect.ts';
import { UnitQueue, type UnitQueueLimits } from './unit-queue.ts';

export interface PostgresStoreDeps extends PostgresTarget {
  /** Of this process, at least 6; see above. */
  readonly maxConnections: number;
  /** The program's own migrations; the platform's run before them. */
  readonly migrations: readonly MigrationSequence[];
  /** Real time, whatever time a test says it is: it measures how long another machine says nothing. */
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics?: Metrics;
  readonly random?: RandomSource;
  readonly limits?: Partial<PostgresStoreLimits>;
}

export interface PostgresStoreLimits extends UnitQueueLimits {
  readonly maxReads: number;
}

/** `silenceMs` is above PostgreSQL's own limit for a statement, so that this one speaks first. */
const DEFAULT_LIMITS: PostgresStoreLimits = {
  maxQueued: 10_000,
  maxReads: 10_000,
  maxConflicts: 30,
  unitTimeoutMs: 5_000,
  silenceMs: 15_000,
  retryForMs: 5_000,
  resolveForMs: 30_000,
};

const statementTimeoutMs = 10_000;

/**
 * Connects, brings the schema up to date and returns the store.
 * Throws {@link StoreError}: `STORE_SCHEMA_…`, `STORE_MIGRATION_FAILED`, `STORE_UNAVAILABLE`.
 */
export async function openPostgresStore<DB extends OutboxTables>(
  deps: PostgresStoreDeps,
): Promise<Store<DB>> {
  const { clock, log, random = systemRandom, maxConnections } = deps;
  const limits = { ...DEFAULT_LIMITS, ...deps.limits };
  const configs = sessionConfigs(deps, limits.unitTimeoutMs);
  const readerCount = Math.max(1, Math.floor((maxConnections - 2) / 4));
  const owned = new AsyncDisposableStack();
  try {
    const applied = await migratePostgres(configs.migration, deps.migrations, clock);
    if (applied > 0) log.info({ applied }, 'database schema brought up to date');

    const readers = new PipelinedReaders({
      config: configs.reading,
      connections: readerCount,
      clock,
      limits,
    });
    owned.defer(() => readers.close());
    const horizons = new Horizons(readers);
    const outboxListeners = new Set<() => void>();
    const callListeners = (): void => {
      for (const listener of outboxListeners) callListener(listener, log);
    };
    const channel = openOutboxChannel({
      config: configs.listening,
      sender: Buffer.from(random.bytes(12)).toString('base64url'),
      clock,
      log,
      onHeard: callListeners,
    });
    owned.defer(() => channel.close());
    const units = new UnitQueue({
      config: configs.writing,
      sessions: Math.max(1, maxConnections - 2 - readerCount),
      clock,
      random,
      limits,
      onUnit: (unit) => observe?.onUnit(unit),
      onRetry: (reason) => observe?.onRetry(reason),
      onOutbox() {
        callListeners();
        channel.notify();
      },
    });
    const observe =
      deps.metrics &&
      observeUnits(deps.metrics, {
        queued: () => units.queued,
        reads: () => readers.reads,
        connections: () => units.connections,
        maxConnections,
      });
    owned.defer(() => units.close());
    await units.warmUp();

    const db = new Kysely<DB>({ dialect: readDialect(readers, configs.streaming, clock) });
    let statements = 0;
    const nextName = (): string => `conclave ${(statements += 1)}`;
    const resources = owned.move();
    let closing: Promise<void> | undefined;
    return {
      engine: 'postgres',
      db,
      prepare: (define) => prepareOnPostgres({ readers, nextName }, define),
      write: <T>(unit: (trx: Transaction<DB>) => Promise<T>, options?: WriteOptions) =>
        units.submit<T, DB>(unit, options?.isolation ?? 'serializable'),
      horizon: (table) => horizons.of(table),
      onOutbox(listener) {
        // A wrapper of its own per call, so that one function registered twice is two listeners.
        const registered = () => listener();
        outboxListeners.add(registered);
        return { [Symbol.dispose]: () => void outboxListeners.delete(registered) };
      },
      close() {
        closing ??= resources.disposeAsync();
        return closing;
      },
    };
  } catch (cause) {
    await owned.disposeAsync();
    if (cause instanceof StoreError) throw cause;
    throw unavailable(cause);
  }
}

/** What each kind of session is allowed. All of them are for this program alone to set; the URL says where and as whom. */
function sessionConfigs(target: PostgresTarget, unitTimeoutMs: number) {
  const limited = {
    statement_timeout: String(statementTimeoutMs),
    idle_in_transaction_session_timeout: String(2 * unitTimeoutMs + 10_000),
    // No query here runs long enough to be worth compiling, and a plan that `enable_seqscan` made look dear would be.
    jit: 'off',
  };
  const config = (part: string, settings: Record<string, string>) =>
    postgresClientConfig(target, { applicationName: `conclave ${part}`, settings });
  return {
    migration: config('migration', {}),
    // Small tables would be read as a whole, and SERIALIZABLE transactions that read a whole table conflict with whoever
    // changes any of its rows.
    writing: config('writer', { ...limited, synchronous_commit: 'on', enable_seqscan: 'off' }),
    reading: config('reader', { ...limited, default_transaction_read_only: 'on' }),
    streaming: config('stream', {
      default_transaction_read_only: 'on',
      idle_in_transaction_session_timeout: String(10 * 60_000),
    }),
    // A lost NOTIFY is no loss, and nobody should wait for a sync to disk because of it.
    listening: config('listener', { ...limited, synchronous_commit: 'off' }),
  };
}

function callListener(listener: () => void, log: Log): void {
  try {
    listener();
  } catch (err) {
    log.error({ err }, 'an outbox listener threw');
  }
}
