/**
 * What every adapter of the `Store` port keeps (packages/platform/src/store/store.ts). Each adapter's test calls
 * this with a way to create databases of its kind.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  enqueueOutbox,
  isUniqueViolation,
  type Migration,
  type MigrationSequence,
  type OutboxTables,
  type Store,
} from '@conclave/platform';
import { codeOf } from './rejection.ts';

export interface ContractTables extends OutboxTables {
  account: { id: string; balance: number; photo: Uint8Array | null };
}

/** One empty database of the adapter's kind, that can be closed and opened again. */
export interface ContractDatabase {
  /** How many stores may be open on it at a time. `one`: a second one is refused. */
  readonly processes: 'one' | 'many';
  open(options: {
    migrations: readonly MigrationSequence[];
    maxQueued?: number;
    unitTimeoutMs?: number;
  }): Promise<Store<ContractTables>>;
  /** Removes everything; the suite has closed its stores. */
  destroy(): Promise<void>;
}

const createAccounts: Migration = {
  id: 1,
  name: 'accounts',
  async up(db, engine) {
    await db.schema
      .createTable('account')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('balance', engine.integer, (column) => column.notNull())
      .addColumn('photo', engine.bytes)
      .execute();
  },
};

/** The schema that the suites use. */
export const contractMigrations: MigrationSequence = { name: 'contract', migrations: [createAccounts] };

export function storeContract(adapter: string, createDatabase: () => Promise<ContractDatabase>): void {
  describe(`${adapter}: store contract`, () => {
    let database: ContractDatabase;
    let opened: Store<ContractTables>[];

    beforeEach(async () => {
      database = await createDatabase();
      opened = [];
    });

    afterEach(async () => {
      for (const store of opened) await store.close();
      await database.destroy();
    });

    const open = async (
      options: { migrations?: readonly Migration[]; maxQueued?: number; unitTimeoutMs?: number } = {},
    ): Promise<Store<ContractTables>> => {
      const { migrations = contractMigrations.migrations, ...limits } = options;
      const store = await database.open({ ...limits, migrations: [{ name: 'contract', migrations }] });
      opened.push(store);
      return store;
    };

    const insert = (store: Store<ContractTables>, id: string, balance = 0) =>
      store.write(async (trx) => {
        await trx.insertInto('account').values({ id, balance, photo: null }).execute();
        return id;
      });

    const ids = async (store: Store<ContractTables>) =>
      (await store.db.selectFrom('account').select('id').orderBy('id').execute()).map(({ id }) => id);

    const openAndFail = async (migrations: readonly Migration[]) => {
      const store = await open({ migrations });
      throw new Error(`opened, with ${(await ids(store)).length} accounts`);
    };

    describe('units of work', () => {
      test('resolve with what the unit returned, visible to reads from then on', async () => {
        const store = await open();
        expect(await insert(store, 'a')).toBe('a');
        expect(await ids(store)).toEqual(['a']);
      });

      test('survive closing and opening again', async () => {
        const first = await open();
        await insert(first, 'a', 7);
        await first.close();
        expect(await ids(await open())).toEqual(['a']);
      });

      test('that throw leave nothing and reject with what they threw', async () => {
        const store = await open();
        const thrown = new Error('no');
        const unit = store.write(async (trx) => {
          await trx.insertInto('account').values({ id: 'a', balance: 1, photo: null }).execute();
          throw thrown;
        });
        await expect(unit).rejects.toBe(thrown);
        expect(await ids(store)).toEqual([]);
      });

      test('that throw before their first query reject too', async () => {
        const store = await open();
        const unit = store.write(() => {
          throw new Error('at once');
        });
        await expect(unit).rejects.toThrow('at once');
        await insert(store, 'a');
      });

      test('that fail do not undo those submitted with them', async () => {
        const store = await open();
        const outcomes = await Promise.allSettled(
          Array.from({ length: 60 }, (_, index) =>
            store.write(async (trx) => {
              const id = String(index).padStart(2, '0');
              await trx.insertInto('account').values({ id, balance: 0, photo: null }).execute();
              if (index % 3 === 0) throw new Error('every third');
            }),
          ),
        );
        expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(20);
        expect(await ids(store)).toHaveLength(40);
      });

      test('see what units before them did, also when submitted together', async () => {
        const store = await open();
        await insert(store, 'a');
        const add = () =>
          store.write(async (trx) => {
            const { balance } = await trx
              .selectFrom('account')
              .select('balance')
              .where('id', '=', 'a')
              .executeTakeFirstOrThrow();
            await trx
              .updateTable('account')
              .set({ balance: balance + 1 })
              .where('id', '=', 'a')
              .execute();
            return balance + 1;
          });
        const balances = await Promise.all(Array.from({ length: 100 }, add));
        expect(new Set(balances).size).toBe(100);
        expect(Math.max(...balances)).toBe(100);
      });

      test('recognise a unique violation by code, as a value', async () => {
        const store = await open();
        const claim = () =>
          store.write(async (trx) => {
            try {
              await trx.insertInto('account').values({ id: 'a', balance: 0, photo: null }).execute();
              return true;
            } catch (error) {
              if (isUniqueViolation(error)) return false;
              throw error;
            }
          });
        const claims = await Promise.all([claim(), claim(), claim()]);
        expect(claims.filter(Boolean)).toHaveLength(1);
        expect(isUniqueViolation(new Error('UNIQUE constraint failed'))).toBe(false);
      });

      test('that fail alone leave nothing either, and the next one is fine', async () => {
        const store = await open();
        for (const id of ['a', 'b']) {
          const unit = store.write(async (trx) => {
            await trx.insertInto('account').values({ id, balance: 0, photo: null }).execute();
            throw new Error('no');
          });
          await expect(unit).rejects.toThrow('no');
          expect(await ids(store)).toEqual([]);
        }
        await insert(store, 'a');
        expect(await ids(store)).toEqual(['a']);
      });

      test('may run their queries side by side', async () => {
        const store = await open();
        await store.write(async (trx) => {
          await Promise.all(
            ['a', 'b', 'c'].map((id) =>
              trx.insertInto('account').values({ id, balance: 0, photo: null }).execute(),
            ),
          );
        });
        expect(await ids(store)).toEqual(['a', 'b', 'c']);
      });

      test('keep byte strings and 53-bit integers whole', async () => {
        const store = await open();
        const photo = Uint8Array.from({ length: 256 }, (_, index) => index);
        await store.write(async (trx) => {
          await trx
            .insertInto('account')
            .values({ id: 'a', balance: Number.MAX_SAFE_INTEGER, photo })
            .execute();
        });
        const row = await store.db.selectFrom('account').selectAll().executeTakeFirstOrThrow();
        expect(row.balance).toBe(Number.MAX_SAFE_INTEGER);
        expect(Uint8Array.from(row.photo!)).toEqual(photo);
      });

      test('are invisible to reads until they are durable', async () => {
        const store = await open();
        let seenInside: string[] | undefined;
        await store.write(async (trx) => {
          await trx.insertInto('account').values({ id: 'a', balance: 0, photo: null }).execute();
          seenInside = await ids(store);
        });
        expect(seenInside).toEqual([]);
      });

      test('lose their transaction when they are over', async () => {
        const store = await open();
        const leaked = await store.write(async (trx) => ({ trx }));
        const late = leaked.trx
          .insertInto('account')
          .values({ id: 'late', balance: 0, photo: null })
          .execute();
        expect(await codeOf(late)).toBe('STORE_UNIT_OVER');
        expect(await ids(store)).toEqual([]);
      });

      test('that never end are undone, and others go on', async () => {
        const store = await open({ unitTimeoutMs: 20 });
        const stalled = store.write(async (trx) => {
          await trx.insertInto('account').values({ id: 'stalled', balance: 0, photo: null }).execute();
          await new Promise<never>(() => {});
        });
        const other = insert(store, 'other');
        expect(await codeOf(stalled)).toBe('STORE_UNIT_STALLED');
        expect(await other).toBe('other');
        expect(await ids(store)).toEqual(['other']);
      });

      test('beyond the bound of the queue are refused with STORE_BUSY and not run', async () => {
        const store = await open({ maxQueued: 10 });
        const outcomes = await Promise.all(
          Array.from({ length: 40 }, (_, index) => codeOf(insert(store, String(index)))),
        );
        expect(new Set(outcomes)).toEqual(new Set(['resolved', 'STORE_BUSY']));
        expect(await ids(store)).toHaveLength(outcomes.filter((code) => code === 'resolved').length);
        await insert(store, 'afterwards');
      });
    });

    describe('reads', () => {
      test('do not write', async () => {
        const store = await open();
        const write = store.db.insertInto('account').values({ id: 'a', balance: 0, photo: null }).execute();
        expect(await codeOf(write)).not.toBe('resolved');
        expect(await ids(store)).toEqual([]);
      });

      test('stream', async () => {
        const store = await open();
        for (const id of ['a', 'b', 'c']) await insert(store, id);
        const seen: string[] = [];
        for await (const row of store.db.selectFrom('account').select('id').orderBy('id').stream()) {
          seen.push(row.id);
        }
        expect(seen).toEqual(['a', 'b', 'c']);
      });
    });

    describe('prepared queries', () => {
      type Account = Omit<ContractTables['account'], 'photo'>;

      const prepare = (store: Store<ContractTables>) => ({
        insert: store.prepare((db, account: Account) =>
          db.insertInto('account').values({ id: account.id, balance: account.balance, photo: null }),
        ),
        add: store.prepare((db, by: { readonly id: string; readonly amount: number }) =>
          db
            .updateTable('account')
            .set((eb) => ({ balance: eb('balance', '+', by.amount) }))
            .where('id', '=', by.id)
            .returning(['id', 'balance']),
        ),
        between: store.prepare((db, range: { readonly least: number; readonly most: number }) =>
          db
            .selectFrom('account')
            .select(['id', 'balance'])
            .where('balance', '>=', range.least)
            .where('balance', '<=', range.most)
            .where('id', '!=', 'nobody')
            .orderBy('id'),
        ),
      });

      test('bind their values anew each time, among constants, in units and in reads', async () => {
        const store = await open();
        const { insert, add, between } = prepare(store);
        const rows = await store.write(async (trx) => {
          await insert.run(trx, { id: 'a', balance: 1 });
          await insert.run(trx, { id: 'b', balance: 2 });
          await insert.run(trx, { id: 'nobody', balance: 2 });
          expect(await between.run(trx, { least: 2, most: 2 })).toEqual([{ id: 'b', balance: 2 }]);
          expect(await between.read({ least: 0, most: 9 })).toEqual([]);
          return await add.run(trx, { id: 'a', amount: 6 });
        });
        expect(rows).toEqual([{ id: 'a', balance: 7 }]);
        expect(await between.read({ least: 2, most: 6 })).toEqual([{ id: 'b', balance: 2 }]);
        expect(await between.read({ least: 3, most: 7 })).toEqual([{ id: 'a', balance: 7 }]);
        const ranges = [
          { least: 3, most: 7 },
          { least: 8, most: 9 },
          { least: 2, most: 6 },
        ];
        expect(await between.readEach(ranges)).toEqual([
          [{ id: 'a', balance: 7 }],
          [],
          [{ id: 'b', balance: 2 }],
        ]);
      });

      test('run for each of a list, in its order, up to the first failure', async () => {
        const store = await open();
        const { insert } = prepare(store);
        const list = ['c', 'a', 'b'].map((id, balance) => ({ id, balance }));
        await store.write((trx) => insert.runEach(trx, list));
        expect(
          (await store.db.selectFrom('account').select('id').orderBy('balance').execute()).map(
            ({ id }) => id,
          ),
        ).toEqual(['c', 'a', 'b']);
        const again = store.write((trx) => insert.runEach(trx, [{ id: 'new', balance: 0 }, ...list]));
        await expect(again).rejects.toSatisfy(isUniqueViolation);
        expect(await ids(store)).toEqual(['a', 'b', 'c']);
      });

      test('do not write outside of a unit, nor in one that is over', async () => {
        const store = await open();
        const { insert } = prepare(store);
        expect(await codeOf(insert.read({ id: 'a', balance: 0 }))).not.toBe('resolved');
        const { trx } = await store.write(async (trx) => ({ trx }));
        expect(await codeOf(insert.run(trx, { id: 'a', balance: 0 }))).toBe('STORE_UNIT_OVER');
        expect(await codeOf(insert.runEach(trx, [{ id: 'a', balance: 0 }]))).toBe('STORE_UNIT_OVER');
        expect(await ids(store)).toEqual([]);
      });

      test('read what is acknowledged, also while `db` streams', async () => {
        const store = await open();
        const { insert, between } = prepare(store);
        for (const id of ['a', 'b', 'c']) await store.write((trx) => insert.run(trx, { id, balance: 5 }));
        for await (const row of store.db.selectFrom('account').selectAll().stream()) {
          await store.write((trx) => insert.run(trx, { id: `${row.id}2`, balance: 6 }));
          expect(await between.read({ least: 6, most: 6 })).toContainEqual({ id: `${row.id}2`, balance: 6 });
        }
      });
    });

    describe('outbox listeners', () => {
      const enqueue = (store: Store<ContractTables>, messageId: string) =>
        store.write((trx) =>
          enqueueOutbox(trx, {
            subject: 'events.test.1',
            orderingKey: '1',
            messageId,
            payload: new Uint8Array(),
          }),
        );

      test('hear of durable units that enqueued, and can read what these did', async () => {
        const store = await open();
        const heard = new Promise<number>((resolve, reject) => {
          store.onOutbox(() => {
            store.db
              .selectFrom('outbox')
              .select('id')
              .execute()
              .then((rows) => resolve(rows.length), reject);
          });
        });
        await enqueue(store, 'm1');
        expect(await heard).toBe(1);
      });

      test('hear of rows that a prepared query enqueued', async () => {
        const store = await open();
        const insert = store.prepare((db, row: { readonly messageId: string }) =>
          db.insertInto('outbox').values({
            subject: 'events.test.1',
            ordering_key: '1',
            message_id: row.messageId,
            payload: new Uint8Array(),
          }),
        );
        let calls = 0;
        store.onOutbox(() => {
          calls += 1;
        });
        await store.write((trx) => insert.runEach(trx, []));
        expect(calls).toBe(0);
        await store.write((trx) => insert.run(trx, { messageId: 'm1' }));
        expect(calls).toBe(1);
        await store.write((trx) => insert.runEach(trx, [{ messageId: 'm2' }, { messageId: 'm3' }]));
        expect(calls).toBe(2);
      });

      test('hear nothing of units that did not enqueue, failed, or came after they left', async () => {
        const store = await open();
        let calls = 0;
        const listener = store.onOutbox(() => {
          calls += 1;
        });
        await insert(store, 'a');
        const failed = store.write(async (trx) => {
          await enqueueOutbox(trx, {
            subject: 'events.test.1',
            orderingKey: '1',
            messageId: 'm0',
            payload: new Uint8Array(),
          });
          throw new Error('undone');
        });
        await expect(failed).rejects.toThrow('undone');
        expect(calls).toBe(0);
        await enqueue(store, 'm1');
        expect(calls).toBe(1);
        listener[Symbol.dispose]();
        await enqueue(store, 'm2');
        expect(calls).toBe(1);
      });
    });

    describe('the horizon', () => {
      test('is the last id that was given out, when nothing is under way, and does not fall', async () => {
        const store = await open();
        expect(await store.horizon('outbox')).toBe(0);
        const enqueue = () =>
          store.write(async (trx) => {
            await enqueueOutbox(trx, {
              subject: 'events.test.1',
              orderingKey: '1',
              messageId: 'm',
              payload: new Uint8Array(),
            });
            return (
              await trx.selectFrom('outbox').select('id').orderBy('id', 'desc').executeTakeFirstOrThrow()
            ).id;
          });
        for (let count = 0; count < 3; count++)
          expect(await store.horizon('outbox')).toBeLessThan(await enqueue());
        const last = await enqueue();
        expect(await store.horizon('outbox')).toBe(last);
        await store.write((trx) => trx.deleteFrom('outbox').execute());
        expect(await store.horizon('outbox')).toBe(last);
      });
    });

    describe('closing', () => {
      test('finishes what was accepted and refuses what comes later', async () => {
        const store = await open();
        const accepted = Array.from({ length: 50 }, (_, index) => insert(store, String(index)));
        const closing = store.close();
        expect(await codeOf(insert(store, 'late'))).toBe('STORE_CLOSED');
        await Promise.all(accepted);
        await closing;
        await store.close();
        expect(await ids(await open())).toHaveLength(50);
      });
    });

    describe('migrations', () => {
      const addNote: Migration = {
        id: 2,
        name: 'notes',
        async up(db) {
          await db.schema.alterTable('account').addColumn('note', 'text').execute();
        },
      };

      test('run once, in order, and continue where an older program stopped', async () => {
        const runs: number[] = [];
        const counted = (migration: Migration): Migration => ({
          ...migration,
          async up(db, engine) {
            runs.push(migration.id);
            await migration.up(db, engine);
          },
        });
        await (await open({ migrations: [counted(createAccounts)] })).close();
        await (await open({ migrations: [counted(createAccounts), counted(addNote)] })).close();
        await (await open({ migrations: [counted(createAccounts), counted(addNote)] })).close();
        expect(runs).toEqual([1, 2]);
      });

      test('of a newer program refuse an older one', async () => {
        await (await open({ migrations: [createAccounts, addNote] })).close();
        expect(await codeOf(openAndFail([createAccounts]))).toBe('STORE_SCHEMA_NEWER');
        await open({ migrations: [createAccounts, addNote] });
      });

      test('with gaps, doubles or another order are refused before anything runs', async () => {
        const lists = [
          [createAccounts, { ...addNote, id: 3 }],
          [{ ...createAccounts, id: 2 }, addNote],
          [addNote, createAccounts],
          [{ ...createAccounts, id: 0 }],
        ];
        for (const migrations of lists) {
          expect(await codeOf(openAndFail(migrations))).toBe('STORE_SCHEMA_MISMATCH');
        }
        await insert(await open(), 'a');
      });

      test('that were changed after they ran are refused', async () => {
        await (await open({ migrations: [createAccounts] })).close();
        const renamed = { ...createAccounts, name: 'people' };
        expect(await codeOf(openAndFail([renamed, addNote]))).toBe('STORE_SCHEMA_MISMATCH');
        await insert(await open(), 'a');
      });

      test('that fail leave the schema as it was, and may be repaired', async () => {
        const broken: Migration = {
          id: 2,
          name: 'notes',
          async up(db, engine) {
            await addNote.up(db, engine);
            throw new Error('half way');
          },
        };
        expect(await codeOf(openAndFail([createAccounts, broken]))).toBe('STORE_MIGRATION_FAILED');
        await insert(await open({ migrations: [createAccounts, addNote] }), 'a');
      });
    });

    test('a second store on the same database is refused while the first is open, if it is for one process', async () => {
      const first = await open();
      if (database.processes === 'many') return;
      expect(await codeOf(openAndFail(contractMigrations.migrations))).toBe('STORE_IN_USE');
      await insert(first, 'a');
      await first.close();
      expect(await ids(await open())).toEqual(['a']);
    });
  });
}
