import { StoreError } from '../store-error.ts';

/** Primary codes (https://sqlite.org/rescode.html) that speak of the database, not of the query or its data. */
const UNAVAILABLE = [
  'SQLITE_BUSY',
  'SQLITE_CANTOPEN',
  'SQLITE_CORRUPT',
  'SQLITE_IOERR',
  'SQLITE_LOCKED',
  'SQLITE_NOMEM',
  'SQLITE_NOTADB',
  'SQLITE_PROTOCOL',
  'SQLITE_READONLY',
];

/** The `StoreError` for an error of the engine itself; `undefined` for a unit's own errors and for constraints. */
export function engineError(cause: unknown): StoreError | undefined {
  const code = sqliteCode(cause);
  if (code === undefined) return undefined;
  if (code === 'SQLITE_FULL') {
    return new StoreError('STORE_FULL', 'there is no room for the change', { cause });
  }
  // Extended codes append to the primary one: SQLITE_IOERR_WRITE.
  if (UNAVAILABLE.some((primary) => code === primary || code.startsWith(`${primary}_`))) {
    return new StoreError('STORE_UNAVAILABLE', `the database cannot be used (${code})`, { cause });
  }
  return undefined;
}

/** The code of an SQLite error, if it is one. */
export function sqliteCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  return error.code.startsWith('SQLITE_') ? error.code : undefined;
}
