import type { Database, Statement } from 'better-sqlite3';
import { RecencyMap } from '../../cache/recency-map.ts';

/**
 * Prepared statements by their text. Preparing costs more than running a point query, and the same few hundred
 * texts come again and again; the least recently used goes when `capacity` is reached. One per connection.
 */
export class StatementCache {
  readonly #database: Database;
  readonly #capacity: number;
  readonly #statementBySql = new RecencyMap<string, Statement>();

  constructor(database: Database, capacity = 512) {
    this.#database = database;
    this.#capacity = capacity;
  }

  prepare(sql: string): Statement {
    const cached = this.#statementBySql.get(sql);
    if (cached !== undefined && !cached.busy) return cached;
    const statement = this.#database.prepare(sql);
    // A busy one is being iterated by a stream; the newcomer is for this call only.
    if (cached !== undefined) return statement;
    this.#statementBySql.set(sql, statement);
    if (this.#statementBySql.size > this.#capacity)
      this.#statementBySql.delete(this.#statementBySql.oldestKey!);
    return statement;
  }

  /** Forgets every statement: after the schema changed. */
  clear(): void {
    this.#statementBySql.clear();
  }
}
