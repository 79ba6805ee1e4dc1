/**
 * How programs of different ages share a database (docs/upgrades.md): which ones an adapter lets work with it after
 * a newer one has migrated, and which it refuses.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkSchema, type Migration, type MigrationSequence } from '@conclave/platform';
import { codeOf } from './rejection.ts';
import { contractMigrations, type ContractDatabase } from './store-contract.ts';

const [createAccounts] = contractMigrations.migrations as readonly [Migration];

const addColumn = (id: number, readableBy?: number): Migration => ({
  id,
  name: `column ${id}`,
  ...(readableBy === undefined ? {} : { readableBy }),
  async up(db) {
    await db.schema.alterTable('account').addColumn(`added_${id}`, 'text').execute();
  },
});

export function schemaUpgradeContract(engine: string, createDatabase: () => Promise<ContractDatabase>): void {
  describe(`schema upgrades on ${engine}`, () => {
    let database: ContractDatabase;

    beforeEach(async () => {
      database = await createDatabase();
    });
    afterEach(async () => {
      await database.destroy();
    });

    const sequence = (...migrations: Migration[]): readonly MigrationSequence[] => [
      { name: 'contract', migrations: [createAccounts, ...migrations] },
    ];
    /** Opens the database with a program that knows these, inserts a row, and closes it. */
    const workWith = async (id: string, ...migrations: Migration[]) => {
      const store = await database.open({ migrations: sequence(...migrations) });
      try {
        await store.write((trx) =>
          trx.insertInto('account').values({ id, balance: 0, photo: null }).execute(),
        );
        return (await store.db.selectFrom('account').select('id').orderBy('id').execute()).map(
          (row) => row.id,
        );
      } finally {
        await store.close();
      }
    };

    test('a program works with migrations beyond its own that say that it can', async () => {
      await workWith('a', addColumn(2, 1), addColumn(3, 2), addColumn(4, 2));
      expect(await workWith('b', addColumn(2, 1))).toEqual(['a', 'b']);
      expect(await workWith('c', addColumn(2, 1), addColumn(3, 2))).toEqual(['a', 'b', 'c']);
      expect(await workWith('d', addColumn(2, 1), addColumn(3, 2), addColumn(4, 2))).toHaveLength(4);
    });

    test('one among them that says it cannot is enough to refuse', async () => {
      await workWith('a', addColumn(2), addColumn(3, 1));
      expect(await codeOf(workWith('b'))).toBe('STORE_SCHEMA_NEWER');
      await expect(workWith('b')).rejects.toThrow('migration 2 "column 2" of contract');
      expect(await workWith('b', addColumn(2))).toEqual(['a', 'b']);
    });

    test('an older program neither undoes nor repeats what a newer one has done', async () => {
      await workWith('a', addColumn(2, 1));
      await workWith('b');
      expect(await workWith('c', addColumn(2, 1), addColumn(3, 1))).toEqual(['a', 'b', 'c']);
      expect(await workWith('d')).toHaveLength(4);
    });

    test('a program whose history differs is refused, whatever the database says beyond it', async () => {
      await workWith('a', addColumn(2, 1), addColumn(3, 1));
      expect(await codeOf(workWith('b', { ...addColumn(2, 1), name: 'another' }))).toBe(
        'STORE_SCHEMA_MISMATCH',
      );
    });

    test('a migration cannot say that nobody, or somebody still unknown, can read it', async () => {
      for (const readableBy of [0, 3, 1.5, Number.NaN]) {
        expect(await codeOf(workWith('a', addColumn(2, readableBy)))).toBe('STORE_SCHEMA_MISMATCH');
      }
      expect(await workWith('a', addColumn(2, 2))).toEqual(['a']);
    });

    test('what was recorded before readers were named is readable by nobody older', async () => {
      await workWith('a', addColumn(2, 1));
      const store = await database.open({ migrations: sequence(addColumn(2, 1)) });
      await store.write(async (trx) => {
        await trx.schema.alterTable('schema_migrations').dropColumn('readable_by').execute();
      });
      await store.close();
      expect(await codeOf(workWith('b'))).toBe('STORE_SCHEMA_NEWER');
      expect(await workWith('b', addColumn(2, 1), addColumn(3, 1))).toEqual(['a', 'b']);
    });

    test('a program that runs can ask whether it may go on', async () => {
      const store = await database.open({ migrations: sequence() });
      const record = (id: number, readableBy: number) =>
        store.write((trx) =>
          trx
            .withTables<{ schema_migrations: Record<string, unknown> }>()
            .insertInto('schema_migrations')
            .values({ sequence: 'contract', id, name: 'later', applied_at_ms: 0, readable_by: readableBy })
            .execute(),
        );
      await checkSchema(store.db, sequence());
      await record(2, 1);
      await checkSchema(store.db, sequence());
      await record(3, 3);
      expect(await codeOf(checkSchema(store.db, sequence()))).toBe('STORE_SCHEMA_NEWER');
      expect(await codeOf(checkSchema(store.db, sequence(addColumn(2, 1))))).toBe('STORE_SCHEMA_MISMATCH');
      await store.close();
    });
  });
}
