/**
 * The port to the database, the only truth of the system (docs/decisions/0001-shape.md).
 *
 * Invariants every adapter keeps, and `storeContract` in `@conclave/testkit/contracts` checks:
 *
 * - `write` resolves only after the unit is durable: a machine that loses power afterwards still has it.
 * - A unit takes effect as a whole or not at all, and no other unit's failure undoes it.
 * - Units see the effects of every unit that was acknowledged before they were submitted.
 * - `db` sees what is committed, and nothing else.
 */
import type { Kysely, Transaction } from 'kysely';
import type { PreparedDefinition, PreparedQuery, RowOf } from './prepared-query.ts';

/**
 * How a unit is kept from units that run at the same time, where the engine runs several.
 *
 * - `serializable` (the default): as if units ran one after the other. A unit that this cannot be said of runs again.
 * - `locked-rows`: what the unit decides by are only rows that it has itself changed or locked before, and unique keys. It
 *   then waits for others where it would have to run again. For hot paths; say at the unit why it holds.
 */
export type Isolation = 'serializable' | 'locked-rows';

export interface WriteOptions {
  readonly isolation?: Isolation;
  /**
   * The unit may wait for a moment (20 ms at most) for another one with which it shares a sync to disk: for what nobody waits
   * for. No effect where units are not grouped.
   */
  readonly mayWait?: boolean;
}

export interface Store<DB> {
  readonly engine: 'sqlite' | 'postgres';
  /** Reads of the last committed state. Writing through it fails. */
  readonly db: Kysely<DB>;
  /** Compiles a query for many executions: for hot paths (prepared-query.ts). */
  prepare<Values extends object, Result>(
    define: PreparedDefinition<DB, Values, Result>,
  ): PreparedQuery<DB, Values, RowOf<Result>>;
  /**
   * Runs one atomic unit of work and resolves with its result once that is durable.
   *
   * `unit` awaits nothing but queries of `trx`: other units wait for it, and one that leaves the database (a
   * timer, a request, a lock) is given up with `STORE_UNIT_STALLED`. `trx` is dead once the unit has returned.
   * A unit may be run, found valid and still not take effect, and it may be run several times, so it changes nothing
   * outside the database; do that after `write` has resolved.
   *
   * Rejects with what the unit threw, or with a {@link StoreError} when the database failed. In every case of
   * rejection nothing of the unit took effect, with one exception, which has a code of its own: `STORE_OUTCOME_UNKNOWN`.
   */
  write<T>(unit: (trx: Transaction<DB>) => Promise<T>, options?: WriteOptions): Promise<T>;
  /**
   * The largest id of `table`, whose column `id` the engine numbers, up to which everything is decided: every row with an id up
   * to it that will ever be visible is visible to reads that begin from now on. Never falls. Whoever reads by ascending id and
   * moves his place beyond it may skip rows: ids become visible in the order of commits.
   */
  horizon(table: keyof DB & string): Promise<number>;
  /**
   * Called after every durable commit that contained a unit which enqueued an outbox row, in other processes too, and
   * whenever one of theirs may have been missed. Calls carry no count: a listener looks for itself. Listeners must not
   * throw.
   */
  onOutbox(listener: () => void): Disposable;
  /** Refuses new units, finishes those accepted, releases the database. May be called more than once. */
  close(): Promise<void>;
}
