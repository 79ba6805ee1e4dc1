/**
 * Migrations on PostgreSQL: one process at a time, by an advisory lock of the database that dies with its connection. Processes that
 * start together wait for the first, and find everything done.
 */
import type { Transaction } from 'kysely';
import type pg from 'pg';
import type { Clock } from '../../clock/clock.ts';
import { platformMigrations } from '../../outbox/outbox-table.ts';
import { migrate, type MigrationSequence, type SchemaEngine } from '../migration.ts';
import { PipelinedConnection } from './pipelined-connection.ts';
import { UnitConnection } from './unit-connection.ts';
import { UnitTransaction } from './unit-transaction.ts';
import { postgresMigrations } from './writer-session.ts';

export const postgresEngine: SchemaEngine = {
  name: 'postgres',
  bytes: 'bytea',
  integer: 'bigint',
  serial: { type: 'bigserial', define: (column) => column.primaryKey() },
};

/** "conclave" in eight octets: the same lock in every version of the program. */
const migrationLock = '7165066905468892773';

/** Returns how many ran. `config` has no limit to how long a statement takes. */
export async function migratePostgres(
  config: pg.ClientConfig,
  migrations: readonly MigrationSequence[],
  clock: Clock,
): Promise<number> {
  const connection = await PipelinedConnection.open(config, clock);
  try {
    await connection.query({ text: 'select pg_advisory_lock($1)', values: [migrationLock] });
    return await migrate(
      {
        engine: postgresEngine,
        nowMs: () => clock.nowMs(),
        transaction: (unit) => transaction(connection, unit),
      },
      [platformMigrations, postgresMigrations, ...migrations],
    );
  } finally {
    await connection.close();
  }
}

/** Nobody else migrates, so there is nothing to lose a race against. */
async function transaction<T>(
  connection: PipelinedConnection,
  unit: (trx: Transaction<unknown>) => Promise<T>,
): Promise<T> {
  const trx = new UnitConnection(connection, true);
  await connection.query({ text: 'begin' });
  try {
    const value = await unit(new UnitTransaction<unknown>(trx));
    await connection.query({ text: 'commit' });
    return value;
  } catch (error) {
    if (connection.lostBy === undefined) await connection.query({ text: 'rollback' });
    throw error;
  } finally {
    trx.end();
  }
}
