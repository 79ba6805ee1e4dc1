/**
 * One process per SQLite file. The embedded server caches state and owns the outbox, so a second process on the
 * same file would be wrong even where SQLite's own locks keep the file whole; migrations too run under this lock.
 *
 * The lock is an open exclusive transaction on a neighbour file, `FILE.lock`: SQLite takes it with the operating
 * system's record locks, which die with the process however it ends. A pid file would outlive SIGKILL, and an
 * exclusive lock on the database itself would keep out our own reading connection and backup tools.
 */
import Database from 'better-sqlite3';
import { StoreError } from '../store-error.ts';
import { sqliteCode } from './engine-error.ts';

/** Takes the lock or throws {@link StoreError} `STORE_IN_USE` at once. Dispose to release. */
export function acquireProcessLock(databaseFile: string): Disposable {
  const lock = new Database(`${databaseFile}.lock`, { timeout: 0 });
  try {
    // The lock file holds nothing; without a journal it stays one file and is never recovered.
    lock.pragma('journal_mode = MEMORY');
    lock.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    lock.close();
    if (sqliteCode(cause)?.startsWith('SQLITE_BUSY')) {
      throw new StoreError(
        'STORE_IN_USE',
        'the database is in use by another process: stop that one first, or give this one a data folder of its own',
        { cause },
      );
    }
    throw cause;
  }
  return {
    [Symbol.dispose]() {
      lock.close();
    },
  };
}
