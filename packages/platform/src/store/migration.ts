/**
 * Numbered, append-only migrations (house style 27), written once for both engines.
 *
 * A *sequence* is one owner's list: the platform has its own for the outbox, the server another, so neither
 * renumbers the other. Within a sequence ids are 1, 2, 3, … without gaps, and what a database has seen must be a
 * prefix of what the program knows: same ids, same names, same order.
 */
import type { ColumnDefinitionBuilder, Transaction } from 'kysely';
import { StoreError } from './store-error.ts';

/** What a schema needs to know of the engine it is created on. */
export interface SchemaEngine {
  readonly name: 'sqlite' | 'postgres';
  /** The column type of byte strings. */
  readonly bytes: 'blob' | 'bytea';
  /** The column type of 64-bit integers: counters, sizes, times in milliseconds. */
  readonly integer: 'integer' | 'bigint';
  /** Type and definition of a primary key that the engine numbers upwards and never gives out twice. */
  readonly serial: {
    readonly type: 'integer' | 'bigserial';
    readonly define: (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder;
  };
}

export interface Migration {
  /** Its place in the sequence, from 1. */
  readonly id: number;
  /** Says what it does; never changes once released. */
  readonly name: string;
  /** Runs in a transaction of its own together with the record that it ran. */
  readonly up: (db: Transaction<unknown>, engine: SchemaEngine) => Promise<void>;
}

export interface MigrationSequence {
  readonly name: string;
  readonly migrations: readonly Migration[];
}

// A type, not an interface: `withTables` wants an index signature.
type MigrationTables = {
  schema_migrations: { sequence: string; id: number; name: string; applied_at_ms: number };
};

/** What the runner needs of an adapter. The adapter holds a lock that keeps every other process out meanwhile. */
export interface MigrationHost {
  readonly engine: SchemaEngine;
  readonly nowMs: () => number;
  readonly transaction: <T>(unit: (trx: Transaction<unknown>) => Promise<T>) => Promise<T>;
}

/**
 * Brings the database to the newest schema the program knows, one transaction per migration, and returns how many
 * ran. Throws {@link StoreError} `STORE_SCHEMA_NEWER`, `STORE_SCHEMA_MISMATCH` or `STORE_MIGRATION_FAILED`;
 * all sequences are checked before the first migration runs.
 */
export async function migrate(host: MigrationHost, sequences: readonly MigrationSequence[]): Promise<number> {
  for (const sequence of sequences) assertNumbered(sequence);
  await host.transaction(async (trx) => {
    await trx.schema
      .createTable('schema_migrations')
      .ifNotExists()
      .addColumn('sequence', 'text', (column) => column.notNull())
      .addColumn('id', 'integer', (column) => column.notNull())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('applied_at_ms', host.engine.integer, (column) => column.notNull())
      .addPrimaryKeyConstraint('schema_migrations_pk', ['sequence', 'id'])
      .execute();
  });
  const pending: [MigrationSequence, Migration][] = [];
  for (const sequence of sequences) {
    const appliedCount = await countApplied(host, sequence);
    for (const migration of sequence.migrations.slice(appliedCount)) pending.push([sequence, migration]);
  }
  for (const [sequence, migration] of pending) await apply(host, sequence, migration);
  return pending.length;
}

/** A list that is not 1, 2, 3, … is a mistake of the program, found before any database is touched. */
function assertNumbered(sequence: MigrationSequence): void {
  for (const [index, migration] of sequence.migrations.entries()) {
    if (migration.id !== index + 1) {
      throw new StoreError(
        'STORE_SCHEMA_MISMATCH',
        `migration "${migration.name}" of ${sequence.name} has number ${migration.id} where ${index + 1} belongs`,
      );
    }
  }
}

async function countApplied(host: MigrationHost, sequence: MigrationSequence): Promise<number> {
  const applied = await host.transaction((trx) =>
    trx
      .withTables<MigrationTables>()
      .selectFrom('schema_migrations')
      .select(['id', 'name'])
      .where('sequence', '=', sequence.name)
      .orderBy('id')
      .execute(),
  );
  for (const [index, row] of applied.entries()) {
    const known = sequence.migrations[index];
    if (row.id !== index + 1) {
      throw new StoreError(
        'STORE_SCHEMA_MISMATCH',
        `the database lacks migration ${index + 1} of ${sequence.name}`,
      );
    }
    if (known === undefined) {
      throw new StoreError(
        'STORE_SCHEMA_NEWER',
        `the database has migration ${row.id} "${row.name}" of ${sequence.name}; this program knows ${sequence.migrations.length}: run a version at least as new as the one that wrote it`,
      );
    }
    if (known.name !== row.name) {
      throw new StoreError(
        'STORE_SCHEMA_MISMATCH',
        `migration ${row.id} of ${sequence.name} is "${row.name}" in the database and "${known.name}" in this program`,
      );
    }
  }
  return applied.length;
}

async function apply(host: MigrationHost, sequence: MigrationSequence, migration: Migration): Promise<void> {
  try {
    await host.transaction(async (trx) => {
      await migration.up(trx, host.engine);
      await trx
        .withTables<MigrationTables>()
        .insertInto('schema_migrations')
        .values({
          sequence: sequence.name,
          id: migration.id,
          name: migration.name,
          applied_at_ms: host.nowMs(),
        })
        .execute();
    });
  } catch (cause) {
    throw new StoreError(
      'STORE_MIGRATION_FAILED',
      `migration ${migration.id} "${migration.name}" of ${sequence.name} failed`,
      { cause },
    );
  }
}
