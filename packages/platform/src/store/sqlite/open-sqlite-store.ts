/**
 * The embedded store: SQLite in WAL mode, one process, one writing and two reading connections.
 *
 *   write(unit) ─▶ GroupCommit ─▶ writer ──▶ FILE (+ FILE-wal, synced at every commit)
 *   db.selectFrom ─▶ kysely ────▶ reader ──▶      last committed state
 *   prepared.read ──────────────▶ reader ──▶
 *                                 FILE.lock       held while open: one process
 *
 * Called by the composition root, once.
 */
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { Kysely, SqliteDialect, type Transaction } from 'kysely';
import type { Clock } from '../../clock/clock.ts';
import type { Log } from '../../log/log.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import { platformMigrations, type OutboxTables } from '../../outbox/outbox-table.ts';
import { migrate, type MigrationSequence, type SchemaEngine } from '../migration.ts';
import { StoreError } from '../store-error.ts';
import type { Store, WriteOptions } from '../store.ts';
import { createCheckpointer, FALLBACK_PAGES } from './checkpointer.ts';
import { engineError } from './engine-error.ts';
import { GroupCommit, type GroupCommitLimits, type GroupTransaction } from './group-commit.ts';
import { observeGroups } from './group-metrics.ts';
import { acquireProcessLock } from './process-lock.ts';
import { prepareOnSqlite } from './sqlite-queries.ts';
import { StatementCache } from './statement-cache.ts';
import { UnitConnection } from './unit-connection.ts';
import { UnitTransaction } from './unit-transaction.ts';

export interface SqliteStoreDeps {
  /** The database file; its folder is created if it is missing. Not `:memory:`: two connections share the file. */
  readonly file: string;
  /** The program's own migrations; the platform's run before them. */
  readonly migrations: readonly MigrationSequence[];
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: Partial<GroupCommitLimits>;
  readonly metrics?: Metrics;
}

const DEFAULT_LIMITS: GroupCommitLimits = {
  maxGroupSize: 128,
  maxQueued: 10_000,
  maxWaitMs: 20,
  unitTimeoutMs: 5_000,
};

const SQLITE: SchemaEngine = {
  name: 'sqlite',
  bytes: 'blob',
  integer: 'integer',
  serial: { type: 'integer', define: (column) => column.primaryKey().autoIncrement() },
};

/**
 * Opens (or creates) the database, brings its schema up to date and returns the store.
 * Throws {@link StoreError}: `STORE_IN_USE`, `STORE_SCHEMA_…`, `STORE_MIGRATION_FAILED`, `STORE_UNAVAILABLE`.
 */
export async function openSqliteStore<DB extends OutboxTables>(deps: SqliteStoreDeps): Promise<Store<DB>> {
  const owned = new DisposableStack();
  try {
    mkdirSync(dirname(deps.file), { recursive: true, mode: 0o700 });
    owned.use(acquireProcessLock(deps.file));
    // For its owner only, whatever the folder's mode; SQLite gives its log the mode of the database.
    closeSync(openSync(deps.file, 'a', 0o600));
    const writer = owned.adopt(new Database(deps.file), (database) => database.close());
    configureWriter(writer);

    const statements = new StatementCache(writer);
    const outboxListeners = new Set<() => void>();
    const groups = new GroupCommit({
      transaction: groupTransaction(writer),
      clock: deps.clock,
      limits: { ...DEFAULT_LIMITS, ...deps.limits },
      onGroup(group) {
        observe?.(group);
        checkpointer.committed();
      },
      onOutbox() {
        for (const listener of outboxListeners) callListener(listener, deps.log);
      },
    });
    const checkpointer = createCheckpointer({ file: deps.file, writer, log: deps.log });
    const observe = deps.metrics && observeGroups(deps.metrics, () => groups.queued);
    const write = <T, Tables>(
      unit: (trx: Transaction<Tables>) => Promise<T>,
      options?: WriteOptions,
    ): Promise<T> => {
      const connection = new UnitConnection(statements);
      const trx = new UnitTransaction<Tables>(connection);
      return groups.submit<T>({
        // async: a unit that throws before its first await rejects like any other
        run: async () => unit(trx),
        end: () => connection.end(),
        mayWait: options?.mayWait === true,
        get enqueued() {
          return connection.enqueued;
        },
      });
    };

    const applied = await migrate({ engine: SQLITE, nowMs: () => deps.clock.nowMs(), transaction: write }, [
      platformMigrations,
      ...deps.migrations,
    ]);
    if (applied > 0) deps.log.info({ applied }, 'database schema brought up to date');
    statements.clear();

    const reader = owned.adopt(openReader(deps.file), (database) => database.close());
    const streaming = owned.adopt(openReader(deps.file), (database) => database.close());
    const db = kyselyOn<DB>(streaming);
    const lastId = reader.prepare('select seq from sqlite_sequence where name = ?');
    const resources = owned.move();
    let closing: Promise<void> | undefined;
    return {
      engine: 'sqlite',
      db,
      prepare: (define) => prepareOnSqlite({ writer, reader }, define),
      write: <T>(unit: (trx: Transaction<DB>) => Promise<T>, options?: WriteOptions) =>
        write<T, DB>(unit, options),
      // One unit after the other: what has an id is visible, or will never be.
      async horizon(table) {
        const row = lastId.get(table) as { seq: number } | undefined;
        return row?.seq ?? 0;
      },
      onOutbox(listener) {
        // A wrapper of its own per call, so that one function registered twice is two listeners.
        const registered = () => listener();
        outboxListeners.add(registered);
        return { [Symbol.dispose]: () => void outboxListeners.delete(registered) };
      },
      close() {
        closing ??= (async () => {
          await groups.close();
          await db.destroy();
          await checkpointer.close();
          // Readers, writer, then lock. The last connection to close checkpoints, leaving one file.
          resources.dispose();
        })();
        return closing;
      },
    };
  } catch (cause) {
    owned.dispose();
    if (cause instanceof StoreError) throw cause;
    throw (
      engineError(cause) ?? new StoreError('STORE_UNAVAILABLE', 'the database cannot be opened', { cause })
    );
  }
}

function configureWriter(writer: Database.Database): void {
  // A backup tool may hold a lock for a moment; nobody else writes.
  writer.pragma('busy_timeout = 2000');
  const journalMode = writer.pragma('journal_mode = WAL', { simple: true });
  if (journalMode !== 'wal') {
    throw new StoreError(
      'STORE_UNAVAILABLE',
      'the file system does not allow a write-ahead log: use a local disk',
    );
  }
  // FULL syncs the log at every commit. NORMAL may lose acknowledged commits with the power.
  writer.pragma('synchronous = FULL');
  // Of 64 MiB at most.
  writer.pragma('cache_size = -65536');
  // A thread of its own does it before (checkpointer.ts).
  writer.pragma(`wal_autocheckpoint = ${FALLBACK_PAGES}`);
  // After a burst the log file is cut back to this.
  writer.pragma(`journal_size_limit = ${64 * 1024 * 1024}`);
  // Savepoints keep what they may have to undo in memory, not in a file.
  writer.pragma('temp_store = MEMORY');
  writer.pragma('foreign_keys = ON');
  writer.pragma('trusted_schema = OFF');
}

function openReader(file: string): Database.Database {
  const database = new Database(file, { readonly: true });
  database.pragma('busy_timeout = 2000');
  return database;
}

function kyselyOn<DB>(database: Database.Database): Kysely<DB> {
  const statements = new StatementCache(database);
  return new Kysely<DB>({
    dialect: new SqliteDialect({
      database: { prepare: (sql) => statements.prepare(sql), close: () => database.close() },
    }),
  });
}

function groupTransaction(writer: Database.Database): GroupTransaction {
  const begin = writer.prepare('BEGIN IMMEDIATE');
  const commit = writer.prepare('COMMIT');
  const rollback = writer.prepare('ROLLBACK');
  const savepoint = writer.prepare('SAVEPOINT unit');
  const release = writer.prepare('RELEASE unit');
  const rollbackTo = writer.prepare('ROLLBACK TO unit');
  return {
    begin: () => void begin.run(),
    commit: () => void commit.run(),
    rollback: () => void rollback.run(),
    savepoint: () => void savepoint.run(),
    releaseSavepoint: () => void release.run(),
    rollbackToSavepoint: () => void rollbackTo.run(),
    get isOpen() {
      return writer.inTransaction;
    },
  };
}

function callListener(listener: () => void, log: Log): void {
  try {
    listener();
  } catch (err) {
    log.error({ err }, 'an outbox listener threw');
  }
}
