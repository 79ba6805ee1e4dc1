/** The stable codes of {@link StoreError}. */
export type StoreErrorCode =
  /** Too many units are waiting. Nothing was done; try again shortly. */
  | 'STORE_BUSY'
  /** The store is closing or closed. */
  | 'STORE_CLOSED'
  /** There is no room for the change on the disk, or the database has reached its largest size. */
  | 'STORE_FULL'
  /** The database could not be read or written; `cause` says why. Later units may succeed. */
  | 'STORE_UNAVAILABLE'
  /**
   * The connection was lost during the commit, and the database could not be asked what became of it: the unit took effect or
   * did not, as a whole.
   */
  | 'STORE_OUTCOME_UNKNOWN'
  /** The unit awaited something other than its queries for too long, and was undone. */
  | 'STORE_UNIT_STALLED'
  /** A query was made through the transaction of a unit that is over. */
  | 'STORE_UNIT_OVER'
  /** The store takes no changes at the moment: it is being copied, or was moved elsewhere. Nothing was done. */
  | 'STORE_READ_ONLY'
  /** Another process, or another store of this process, has the database open. */
  | 'STORE_IN_USE'
  /** The database has a migration of a newer version of the program, which this one cannot work with. */
  | 'STORE_SCHEMA_NEWER'
  /** The migrations of this program are not a continuation of those the database has seen. */
  | 'STORE_SCHEMA_MISMATCH'
  /** A migration failed; the database is as the migration before left it. */
  | 'STORE_MIGRATION_FAILED';

/** A failure of the database or of its use, as opposed to an error that a unit of work threw. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
