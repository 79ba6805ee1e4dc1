/**
 * The store of a Node client: one SQLite file, WAL with synchronous=FULL, so that a resolved transaction survives
 * power loss. `locking_mode=EXCLUSIVE` is the lock against a second process: SQLite holds an operating-system lock on
 * the file for as long as the store is open, and the system frees it when the process dies, however it dies.
 */
import { chmodSync, closeSync, openSync } from 'node:fs';
import Database from 'better-sqlite3';
import { ConclaveError } from '../errors/conclave-error.ts';
import { keyRange, type StateStore } from '../store/state-store.ts';

/** Opens or creates the file, readable by its owner alone. Rejects with `STORE_LOCKED` or `STORE_FAILED`. */
export async function openSqliteStore(options: { path: string }): Promise<StateStore> {
  const database = asStoreError(() => openDatabase(options.path));
  const selectOne = database.prepare<[string], { value: Uint8Array }>(
    'SELECT value FROM entry WHERE key = ?',
  );
  const upsert = database.prepare(
    'INSERT INTO entry (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
  );
  const remove = database.prepare('DELETE FROM entry WHERE key = ?');
  const selectRange = (['ASC', 'DESC'] as const).map((order) =>
    database.prepare<[string, string, string, number], { key: string; value: Uint8Array }>(
      `SELECT key, value FROM entry WHERE key >= ? AND key > ? AND key < ? ORDER BY key ${order} LIMIT ?`,
    ),
  );

  let closed = false;
  function assertOpen(): void {
    if (closed) throw new ConclaveError('CLIENT_CLOSED', 'The store is closed');
  }

  return {
    async get(key) {
      assertOpen();
      const row = asStoreError(() => selectOne.get(key));
      return row === undefined ? undefined : Uint8Array.from(row.value);
    },
    async list(listOptions) {
      assertOpen();
      const range = keyRange(listOptions);
      const statement = selectRange[listOptions.reverse === true ? 1 : 0]!;
      const rows = asStoreError(() =>
        statement.all(range.from, range.fromExclusive, range.toExclusive, listOptions.limit ?? -1),
      );
      return rows.map((row) => ({ key: row.key, value: Uint8Array.from(row.value) }));
    },
    async transact(operations) {
      assertOpen();
      asStoreError(() =>
        database.transaction(() => {
          for (const operation of operations) {
            if ('put' in operation) upsert.run(operation.put, operation.value);
            else remove.run(operation.delete);
          }
        })(),
      );
    },
    async close() {
      closed = true;
      database.close();
    },
  };
}

function openDatabase(path: string): Database.Database {
  // Created here first, because SQLite would create it with the process's umask.
  closeSync(openSync(path, 'a', 0o600));
  chmodSync(path, 0o600);
  const database = new Database(path, { timeout: 0 });
  try {
    // Before the first access, so that WAL runs without shared memory and no other connection ever gets in.
    database.pragma('locking_mode = EXCLUSIVE');
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.pragma('secure_delete = ON');
    database.exec(
      'BEGIN EXCLUSIVE; CREATE TABLE IF NOT EXISTS entry (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID; COMMIT',
    );
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function asStoreError<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) {
      throw new ConclaveError('STORE_LOCKED', 'Another process uses this store', { cause: error });
    }
    throw new ConclaveError('STORE_FAILED', 'The local database failed', { cause: error });
  }
}
