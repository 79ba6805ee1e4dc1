/**
 * What an error of PostgreSQL or of the connection to it means. By code only (https://www.postgresql.org/docs/current/errcodes-appendix.html).
 */
import { StoreError } from '../store-error.ts';

/** The five characters of an SQLSTATE, if the database itself reported the error. */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  // Codes of the operating system are of this length, too: EPIPE.
  return 'severity' in error && /^[0-9A-Z]{5}$/.test(error.code) ? error.code : undefined;
}

/** The transaction lost a race and left nothing: run again, it may win. */
export function isConflict(error: unknown): boolean {
  const state = sqlState(error);
  return state === '40001' || state === '40P01';
}

/** A statement of a transaction in which an earlier one has failed. Says nothing of its own. */
export function isAbortedTransaction(error: unknown): boolean {
  return sqlState(error) === '25P02';
}

/**
 * A statement was prepared before another process changed the schema. A new connection has none prepared.
 * The code alone is that of everything which PostgreSQL does not do, hence the routine.
 */
export function isStalePlan(error: unknown): boolean {
  return (
    sqlState(error) === '0A000' &&
    error instanceof Error &&
    'routine' in error &&
    error.routine === 'RevalidateCachedQuery'
  );
}

/** The database ends the connection with it, or refuses to open one. */
export function endsConnection(error: unknown): boolean {
  const state = sqlState(error);
  if (state === undefined) return false;
  return state.startsWith('08') || state.startsWith('57P') || state === '25P03' || state === '53300';
}

/** The `StoreError` for a failure of the database itself; undefined for errors of a query or its data. */
export function postgresStoreError(cause: unknown): StoreError | undefined {
  if (cause instanceof StoreError) return cause;
  const state = sqlState(cause);
  if (state === '53100') return new StoreError('STORE_FULL', 'there is no room for the change', { cause });
  // Resources, operators, the system: nothing that the query could do about. 57014: a statement took too long.
  if (state !== undefined && /^(53|57|58|XX|08)|^25P03$/.test(state)) {
    return new StoreError('STORE_UNAVAILABLE', `the database cannot be used (${state})`, { cause });
  }
  return undefined;
}

/** As `postgresStoreError`, for what keeps every connection from being made: nobody answers, or we are not let in. */
export function unavailable(cause: unknown): StoreError {
  const known = postgresStoreError(cause);
  if (known !== undefined) return known;
  const refusal = sqlState(cause);
  const reason = refusal ?? systemCode(cause);
  const message = `the database ${refusal === undefined ? 'cannot be reached' : 'refuses us'}`;
  return new StoreError('STORE_UNAVAILABLE', reason === undefined ? message : `${message}: ${reason}`, {
    cause,
  });
}

/** As the system or TLS names what went wrong: ECONNREFUSED, ENOTFOUND. */
function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  return /^[A-Z][A-Z0-9_]{1,50}$/.test(error.code) ? error.code : undefined;
}
