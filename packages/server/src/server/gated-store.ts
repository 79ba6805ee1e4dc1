/**
 * The store as features see it: with the operator's read-only switch in its way, and, where a newer process may change
 * the schema while this one runs, with the watch that notices it.
 */
import { sql } from 'kysely';
import {
  createReadOnlySwitch,
  gateWrites,
  StoreError,
  watchSchema,
  type Clock,
  type Lifecycle,
  type Log,
  type MigrationSequence,
  type RandomSource,
  type ReadOnlySwitch,
  type Store,
} from '@conclave/platform';
import type { ReadinessCheck } from '../health/health-routes.ts';
import type { ServerDatabase } from '../schema/server-database.ts';

export interface GatedStoreDeps {
  readonly store: Store<ServerDatabase>;
  /** As given to the store. */
  readonly migrations: readonly MigrationSequence[];
  /** Whether other processes may migrate the database. */
  readonly isShared: boolean;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log: Log;
  readonly lifecycle: Lifecycle;
}

export interface GatedStore {
  readonly store: Store<ServerDatabase>;
  readonly readOnly: ReadOnlySwitch<ServerDatabase>;
  readonly checks: readonly ReadinessCheck[];
  /** Resolves when a newer process has made the database one that this program cannot work with. */
  readonly outdated: Promise<StoreError>;
}

/** Of a database that nobody else migrates. */
const never = new Promise<StoreError>(() => {});

export function gateStore(deps: GatedStoreDeps): GatedStore {
  const { migrations, clock, random, log, lifecycle } = deps;
  const readOnly = createReadOnlySwitch({ store: deps.store, clock, random });
  const database: ReadinessCheck = { name: 'database', run: () => checkDatabase(readOnly.store) };
  if (!deps.isShared) return { store: readOnly.store, readOnly, checks: [database], outdated: never };
  const watch = lifecycle.own('schema watch', watchSchema({ store: deps.store, migrations, clock, log }));
  return {
    store: gateWrites(readOnly.store, () => watch.refusal()),
    readOnly,
    checks: [database, { name: 'schema', run: () => watch.check() }],
    outdated: watch.outdated,
  };
}

/** The database takes a unit, or, while it is read-only, can be read. */
async function checkDatabase(store: Store<ServerDatabase>): Promise<void> {
  try {
    await store.write(async () => {});
  } catch (error) {
    if (!(error instanceof StoreError && error.code === 'STORE_READ_ONLY')) throw error;
    await sql`select 1`.execute(store.db);
  }
}
