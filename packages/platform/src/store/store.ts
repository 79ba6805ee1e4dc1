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

export interface Store<DB> {
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
   * A unit may be run, found valid and still not take effect, so it changes nothing outside the database; do
   * that after `write` has resolved.
   *
   * Rejects with what the unit threw, or with a {@link StoreError} when the database failed. In every case of
   * rejection nothing of the unit took effect.
   */
  write<T>(unit: (trx: Transaction<DB>) => Promise<T>): Promise<T>;
  /**
   * Called after every durable commit that contained a unit which enqueued an outbox row. Calls carry no count:
   * a listener looks for itself. Listeners must not throw.
   */
  onOutbox(listener: () => void): Disposable;
  /** Refuses new units, finishes those accepted, releases the database. May be called more than once. */
  close(): Promise<void>;
}
