/**
 * Whether a query failed because a row with the same unique or primary key exists. Holds for SQLite and
 * PostgreSQL, by code; a unit that expects the conflict turns it into a value with this.
 */
export function isUniqueViolation(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || !('code' in error)) return false;
  return (
    error.code === 'SQLITE_CONSTRAINT_UNIQUE' ||
    error.code === 'SQLITE_CONSTRAINT_PRIMARYKEY' ||
    error.code === '23505'
  );
}
