/**
 * Numbered, append-only migrations (house style 27), written once for both engines.
 *
 * A *sequence* is one owner's list: the platform has its own for the outbox, the server another, so neither
 * renumbers the other. Within a sequence ids are 1, 2, 3, … without gaps, and what a database has seen and what the
 * program knows must have the same ids and names as far as both go. What the database has beyond that is judged by
 * what those migrations say of older programs (schema-record.ts, docs/upgrades.md).
 */
import type { ColumnDefinitionBuilder, Transaction } from 'kysely';
import { ensureSchemaRecord, judgeApplied, readApplied, recordApplied } from './schema-record.ts';
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
  /**
   * The oldest program that can work with the database after it: one that knows this many migrations of the
   * sequence. Given by an *expand* migration, which leaves everything that older programs read and write as they
   * know it. By default the migration's own id: whoever does not know it refuses the database.
   */
  readonly readableBy?: number;
}

export interface MigrationSequence {
  readonly name: string;
  readonly migrations: readonly Migration[];
}

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
  await host.transaction((trx) => ensureSchemaRecord(trx, host.engine));
  const pending: [MigrationSequence, Migration][] = [];
  for (const sequence of sequences) {
    const applied = await host.transaction((trx) => readApplied(trx, sequence.name));
    judgeApplied(sequence, applied);
    for (const migration of sequence.migrations.slice(applied.length)) pending.push([sequence, migration]);
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
    const { readableBy = migration.id } = migration;
    if (!Number.isInteger(readableBy) || readableBy < 1 || readableBy > migration.id) {
      throw new StoreError(
        'STORE_SCHEMA_MISMATCH',
        `migration "${migration.name}" of ${sequence.name} says it is readable by ${readableBy}: expected 1 to ${migration.id}`,
      );
    }
  }
}

async function apply(host: MigrationHost, sequence: MigrationSequence, migration: Migration): Promise<void> {
  try {
    await host.transaction(async (trx) => {
      await migration.up(trx, host.engine);
      await recordApplied(trx, sequence.name, migration, host.nowMs());
    });
  } catch (cause) {
    // The database's own troubles are named: an operator can do something about them.
    const reason = cause instanceof StoreError ? `: ${cause.message}` : '';
    throw new StoreError(
      'STORE_MIGRATION_FAILED',
      `migration ${migration.id} "${migration.name}" of ${sequence.name} failed${reason}`,
      { cause },
    );
  }
}
