/**
 * What an adapter of the `Store` port keeps besides when several stores, in one process or many, are open on one database.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  enqueueOutbox,
  isUniqueViolation,
  type Isolation,
  type Migration,
  type Store,
} from '@conclave/platform';
import { contractMigrations, type ContractDatabase, type ContractTables } from './store-contract.ts';

export function sharedStoreContract(adapter: string, createDatabase: () => Promise<ContractDatabase>): void {
  describe(`${adapter}: several stores on one database`, () => {
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

    const open = async (migrations: readonly Migration[] = contractMigrations.migrations) => {
      const store = await database.open({ migrations: [{ name: 'contract', migrations }] });
      opened.push(store);
      return store;
    };
    const openTwo = async () => [await open(), await open()] as const;

    const insert = (store: Store<ContractTables>, id: string, balance = 0) =>
      store.write((trx) => trx.insertInto('account').values({ id, balance, photo: null }).execute());

    const balanceOf = async (store: Store<ContractTables>, id: string) =>
      (await store.db.selectFrom('account').select('balance').where('id', '=', id).executeTakeFirstOrThrow())
        .balance;

    const enqueue = (store: Store<ContractTables>, messageId: string, meanwhile?: Promise<void>) =>
      store.write(async (trx) => {
        await enqueueOutbox(trx, {
          subject: 'events.test.1',
          orderingKey: '1',
          messageId,
          payload: new Uint8Array(),
        });
        await meanwhile;
      });

    test('each sees what the other has acknowledged', async () => {
      const [one, other] = await openTwo();
      await insert(one, 'a', 7);
      expect(await balanceOf(other, 'a')).toBe(7);
    });

    test('migrations run once when many open an empty database together', async () => {
      let runs = 0;
      const migrations = contractMigrations.migrations.map((migration) => ({
        ...migration,
        up: async (...args: Parameters<Migration['up']>) => {
          runs += 1;
          await migration.up(...args);
        },
      }));
      await Promise.all(Array.from({ length: 4 }, () => open(migrations)));
      expect(runs).toBe(migrations.length);
    });

    test('no update is lost, whatever each has read before', async () => {
      const stores = await openTwo();
      await insert(stores[0], 'a');
      const add = (store: Store<ContractTables>) =>
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
        });
      await Promise.all(Array.from({ length: 60 }, (_, index) => add(stores[index % 2]!)));
      expect(await balanceOf(stores[0], 'a')).toBe(60);
    });

    test('no update is lost either where the changed row is the lock', async () => {
      const stores = await openTwo();
      await insert(stores[0], 'a');
      const seen = await Promise.all(
        Array.from({ length: 200 }, (_, index) =>
          stores[index % 2]!.write(
            async (trx) => {
              const row = await trx
                .updateTable('account')
                .set((eb) => ({ balance: eb('balance', '+', 1) }))
                .where('id', '=', 'a')
                .where('balance', '<', 150)
                .returning('balance')
                .executeTakeFirst();
              return row?.balance;
            },
            { isolation: 'locked-rows' },
          ),
        ),
      );
      const numbers = seen.filter((balance) => balance !== undefined).sort((a, b) => a - b);
      expect(numbers).toEqual(Array.from({ length: 150 }, (_, index) => index + 1));
    });

    test('two units that decide by rows which the other changes come one after the other', async () => {
      const stores = await openTwo();
      for (let round = 0; round < 20; round++) {
        const [a, b] = [`${round} a`, `${round} b`];
        await insert(stores[0], a, 1);
        await insert(stores[0], b, 1);
        // Together they may spend one of the two.
        const spend = (store: Store<ContractTables>, id: string) =>
          store.write(async (trx) => {
            const rows = await trx
              .selectFrom('account')
              .select('balance')
              .where('id', 'in', [a, b])
              .execute();
            if (rows.reduce((sum, { balance }) => sum + balance, 0) < 2) return false;
            await trx.updateTable('account').set({ balance: 0 }).where('id', '=', id).execute();
            return true;
          });
        const spent = await Promise.all([spend(stores[0], a), spend(stores[1], b)]);
        expect(spent.filter(Boolean)).toHaveLength(1);
      }
    });

    test.each<Isolation>(['serializable', 'locked-rows'])(
      'one of many claims of a key wins (%s)',
      async (isolation) => {
        const stores = await openTwo();
        const claims = await Promise.all(
          Array.from({ length: 20 }, async (_, index) => {
            try {
              await stores[index % 2]!.write(
                (trx) => trx.insertInto('account').values({ id: 'a', balance: index, photo: null }).execute(),
                { isolation },
              );
              return true;
            } catch (error) {
              if (isUniqueViolation(error)) return false;
              throw error;
            }
          }),
        );
        expect(claims.filter(Boolean)).toHaveLength(1);
      },
    );

    test('outbox listeners hear of units of the other, and of their own once', async () => {
      const [one, other] = await openTwo();
      let own = 0;
      one.onOutbox(() => (own += 1));
      const heard = Promise.withResolvers<void>();
      other.onOutbox(heard.resolve);
      await enqueue(one, 'm1');
      await heard.promise;
      // What `one` would hear of itself comes before what it hears of the other.
      const echo = Promise.withResolvers<void>();
      one.onOutbox(echo.resolve);
      expect(own).toBe(1);
      await enqueue(other, 'm2');
      await echo.promise;
      expect(own).toBe(2);
    });

    test('ids are beyond the horizon while a unit that began before has one that is lower', async () => {
      const [one, other] = await openTwo();
      const ids = async (after: number, upTo = Number.MAX_SAFE_INTEGER) =>
        (
          await other.db
            .selectFrom('outbox')
            .select('id')
            .where('id', '>', after)
            .where('id', '<=', upTo)
            .orderBy('id')
            .execute()
        ).map(({ id }) => id);

      const hasId = Promise.withResolvers<void>();
      const release = Promise.withResolvers<void>();
      const slow = one.write(async (trx) => {
        await enqueueOutbox(trx, {
          subject: 'events.test.1',
          orderingKey: '1',
          messageId: 'slow',
          payload: new Uint8Array(),
        });
        hasId.resolve();
        await release.promise;
      });
      await hasId.promise;
      await enqueue(other, 'fast');

      // The control: who goes by the largest id that he sees moves beyond one that is still to come, and never meets it.
      const naive = await ids(0);
      expect(naive).toEqual([2]);
      const horizon = await other.horizon('outbox');
      expect(horizon).toBe(0);
      release.resolve();
      await slow;
      expect(await ids(naive.at(-1)!)).toEqual([]);
      const later = await other.horizon('outbox');
      expect(later).toBe(2);
      expect(await ids(horizon, later)).toEqual([1, 2]);
    });

    test('an id that was given to a unit which failed holds up nobody', async () => {
      const [one, other] = await openTwo();
      const failed = one.write(async (trx) => {
        await trx
          .insertInto('outbox')
          .values({ subject: 'events.test.1', ordering_key: '1', message_id: 'm', payload: new Uint8Array() })
          .execute();
        throw new Error('undone');
      });
      await expect(failed).rejects.toThrow('undone');
      await enqueue(other, 'm1');
      const { id } = await other.db.selectFrom('outbox').select('id').executeTakeFirstOrThrow();
      expect(await one.horizon('outbox')).toBe(id);
      expect(await other.horizon('outbox')).toBe(id);
    });
  });
}
