/**
 * What a database remembers of its migrations, and whether a program can work with it.
 *
 *     program knows   1 2 3 4 5
 *     database has    1 2 3 4 5 6 7        6 readable by 5, 7 readable by 4:  the program works on
 *                               6 7 8      8 readable by 8:                   it does not: STORE_SCHEMA_NEWER
 *
 * So the processes of an installation are replaced one by one: the first new one migrates, the old ones work on until
 * their turn comes (docs/upgrades.md).
 */
import { sql, type Kysely, type Transaction } from 'kysely';
import type { Migration, MigrationSequence, SchemaEngine } from './migration.ts';
import { StoreError } from './store-error.ts';

export interface AppliedMigration {
  readonly id: number;
  readonly name: string;
  /** The oldest program, by the number of migrations it knows, that can work with the database after it. */
  readonly readableBy: number;
}

// A type, not an interface: `withTables` wants an index signature.
type SchemaTables = {
  schema_migrations: {
    sequence: string;
    id: number;
    name: string;
    applied_at_ms: number;
    /** null: recorded by a program that did not know of it, so as by default. */
    readable_by: number | null;
  };
};

/** Creates the table, or adds what it lacks. Changes nothing that is there already. */
export async function ensureSchemaRecord(trx: Transaction<unknown>, engine: SchemaEngine): Promise<void> {
  await trx.schema
    .createTable('schema_migrations')
    .ifNotExists()
    .addColumn('sequence', 'text', (column) => column.notNull())
    .addColumn('id', 'integer', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('applied_at_ms', engine.integer, (column) => column.notNull())
    .addPrimaryKeyConstraint('schema_migrations_pk', ['sequence', 'id'])
    .execute();
  // Asked first: adding a column waits for everybody who reads the table, even if it is there.
  if (await hasReadableBy(trx, engine)) return;
  await trx.schema.alterTable('schema_migrations').addColumn('readable_by', 'integer').execute();
}

async function hasReadableBy(trx: Transaction<unknown>, engine: SchemaEngine): Promise<boolean> {
  const { rows } =
    engine.name === 'sqlite'
      ? await sql`select 1 from pragma_table_info('schema_migrations') where name = 'readable_by'`.execute(
          trx,
        )
      : await sql`
          select 1 from information_schema.columns
          where table_schema = current_schema() and table_name = 'schema_migrations'
            and column_name = 'readable_by'`.execute(trx);
  return rows.length > 0;
}

/** What the database has seen of a sequence, in order. */
export async function readApplied(db: Kysely<unknown>, sequenceName: string): Promise<AppliedMigration[]> {
  const rows = await db
    .withTables<SchemaTables>()
    .selectFrom('schema_migrations')
    .select(['id', 'name', 'readable_by'])
    .where('sequence', '=', sequenceName)
    .orderBy('id')
    .execute();
  return rows.map(({ id, name, readable_by: readableBy }) => ({ id, name, readableBy: readableBy ?? id }));
}

export async function recordApplied(
  trx: Transaction<unknown>,
  sequenceName: string,
  { id, name, readableBy }: Migration,
  nowMs: number,
): Promise<void> {
  await trx
    .withTables<SchemaTables>()
    .insertInto('schema_migrations')
    .values({ sequence: sequenceName, id, name, applied_at_ms: nowMs, readable_by: readableBy ?? id })
    .execute();
}

/**
 * Throws {@link StoreError} `STORE_SCHEMA_NEWER` when the database has a migration that the program does not know and
 * that says it cannot be ignored, `STORE_SCHEMA_MISMATCH` when the two do not continue each other.
 */
export function judgeApplied(sequence: MigrationSequence, applied: readonly AppliedMigration[]): void {
  const knownCount = sequence.migrations.length;
  for (const [index, { id, name, readableBy }] of applied.entries()) {
    if (id !== index + 1) {
      throw new StoreError(
        'STORE_SCHEMA_MISMATCH',
        `the database lacks migration ${index + 1} of ${sequence.name}`,
      );
    }
    const known = sequence.migrations[index];
    if (known === undefined) {
      if (readableBy <= knownCount) continue;
      throw new StoreError(
        'STORE_SCHEMA_NEWER',
        `the database has migration ${id} "${name}" of ${sequence.name}, which needs a program that knows ${readableBy} migrations; this one knows ${knownCount}: run a version at least as new as the one that wrote it`,
      );
    }
    if (known.name !== name) {
      throw new StoreError(
        'STORE_SCHEMA_MISMATCH',
        `migration ${id} of ${sequence.name} is "${name}" in the database and "${known.name}" in this program`,
      );
    }
  }
}

/**
 * Whether a program that runs can go on with the database as it is now: as {@link judgeApplied}, and nothing may be
 * missing.
 */
export async function checkSchema<DB>(
  db: Kysely<DB>,
  sequences: readonly MigrationSequence[],
): Promise<void> {
  for (const sequence of sequences) {
    const applied = await readApplied(db as unknown as Kysely<unknown>, sequence.name);
    judgeApplied(sequence, applied);
    if (applied.length < sequence.migrations.length) {
      throw new StoreError(
        'STORE_SCHEMA_MISMATCH',
        `the database lacks migration ${applied.length + 1} of ${sequence.name}, which it had when this process started`,
      );
    }
  }
}
