/**
 * A process that runs while a newer one migrates the same database learns of it here. Migrations that say that older
 * programs can go on change nothing for it; after any other, its units are refused with `STORE_SCHEMA_NEWER`, readiness
 * fails, and `outdated` resolves: a process that cannot work with its database holds leases that others need, so it leaves.
 *
 * It looks every `intervalMs` and whenever readiness is asked for, not in every unit: that would cost the hot path a
 * round trip. So between a migration that older programs cannot work with and the next look, an old process still
 * runs units on a schema that it does not know. Such a migration belongs into a release after the one that stopped
 * using what it takes away, and runs when no older process is left (docs/upgrades.md); this watch is the net below.
 */
import type { Clock } from '../clock/clock.ts';
import type { Log } from '../log/log.ts';
import { platformMigrations } from '../outbox/outbox-table.ts';
import type { MigrationSequence } from './migration.ts';
import { checkSchema } from './schema-record.ts';
import { StoreError } from './store-error.ts';
import type { Store } from './store.ts';

export interface SchemaWatchDeps<DB> {
  readonly store: Pick<Store<DB>, 'db'>;
  /** As given to the store. */
  readonly migrations: readonly MigrationSequence[];
  readonly clock: Clock;
  readonly log: Log;
  readonly intervalMs?: number;
}

export interface SchemaWatch {
  /** Why this program cannot work with the database, as far as is known. For `gateWrites`. */
  refusal(): StoreError | undefined;
  /** Resolves with the first refusal; stays pending as long as there is none. */
  readonly outdated: Promise<StoreError>;
  /** Looks now. Rejects with the refusal, or with what kept it from looking. A readiness check. */
  check(): Promise<void>;
  /** Ends the watch and waits for the look under way. */
  close(): Promise<void>;
}

export function watchSchema<DB>(deps: SchemaWatchDeps<DB>): SchemaWatch {
  const { clock, log, intervalMs = 1_000 } = deps;
  const sequences = [platformMigrations, ...deps.migrations];
  const { db } = deps.store;
  let refusal: StoreError | undefined;
  const outdated = Promise.withResolvers<StoreError>();
  let closed = false;
  let looking: Promise<void> | undefined;

  async function look(): Promise<void> {
    try {
      await checkSchema(db, sequences);
      refusal = undefined;
    } catch (error) {
      if (!isSchemaError(error)) throw error;
      if (refusal?.message !== error.message) log.error({ err: error }, 'this process must be replaced');
      refusal = error;
      outdated.resolve(error);
      throw error;
    }
  }

  /** One look at a time: many ask for readiness. */
  async function check(): Promise<void> {
    looking ??= look().finally(() => (looking = undefined));
    await looking;
  }

  async function lookAgain(): Promise<void> {
    try {
      await check();
    } catch (err) {
      // A database that is away says so in readiness and in every unit.
      if (!isSchemaError(err)) log.debug({ err }, 'the schema could not be looked at');
    }
    if (!closed) timer = clock.schedule(intervalMs, () => void lookAgain());
  }
  let timer = clock.schedule(intervalMs, () => void lookAgain());

  return {
    refusal: () => refusal,
    outdated: outdated.promise,
    check,
    async close() {
      closed = true;
      timer[Symbol.dispose]();
      await looking?.catch(() => undefined);
    },
  };
}

function isSchemaError(error: unknown): error is StoreError {
  return (
    error instanceof StoreError &&
    (error.code === 'STORE_SCHEMA_NEWER' || error.code === 'STORE_SCHEMA_MISMATCH')
  );
}
