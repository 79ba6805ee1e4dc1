import type { Database, Statement } from 'better-sqlite3';

/**
 * Prepared statements by their text. Preparing costs more than running a point query, and the same few hundred
 * texts come again and again; the least recently used goes when `capacity` is reached. One per connection.
 */
export class StatementCache {
  readonly #database: Database;
  readonly #capacity: number;
  readonly #statementBySql = new Map<string, Statement>();

  constructor(database: Database, capacity = 512) {
    this.#database = database;
    this.#capacity = capacity;
  }

  prepare(sql: string): Statement {
    const cached = this.#statementBySql.get(sql);
    if (cached !== undefined && !cached.busy) {
      // Moves it to the end: a Map iterates in order of insertion, so the first entry is the least recently used.
      this.#statementBySql.delete(sql);
      this.#statementBySql.set(sql, cached);
      return cached;
    }
    const statement = this.#database.prepare(sql);
    // A busy one is being iterated by a stream; the newcomer is for this call only.
    if (cached !== undefined) return statement;
    this.#statementBySql.set(sql, statement);
    if (this.#statementBySql.size > this.#capacity) {
      const [oldest] = this.#statementBySql.keys();
      this.#statementBySql.delete(oldest!);
    }
    return statement;
  }

  /** Forgets every statement: after the schema changed. */
  clear(): void {
    this.#statementBySql.clear();
  }
}
