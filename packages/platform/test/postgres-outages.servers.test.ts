/**
 * The store on PostgreSQL while the database, or the way to it, fails. A proxy stands between them that knows one message of the
 * protocol, COMMIT, and decides what becomes of it and of its answer.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { codeOf, contractMigrations, type ContractTables } from '@conclave/testkit/contracts';
import {
  CommitProxy,
  missingPostgres,
  startPostgres,
  type CommitFate,
  type PostgresAddress,
  type PostgresServer,
} from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { silentLog, systemClock, type Store } from '@conclave/platform';
import { openPostgresStore, type PostgresStoreDeps } from '@conclave/platform/postgres';
import { startSilentProxy, type SilentProxy } from './silent-proxy.ts';

/** The message by which PostgreSQL says that it is idle, outside of a transaction. */
const readyForQuery = Buffer.from('Z\0\0\0\x05I', 'latin1');

requireServer(missingPostgres())('PostgreSQL that fails', () => {
  let server: PostgresServer;
  let address: PostgresAddress;
  let proxy: CommitProxy;
  let url: string;
  let stores: Store<ContractTables>[];

  beforeAll(async () => {
    server = await startPostgres();
  });

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  beforeEach(async () => {
    address = await server.createDatabase();
    proxy = new CommitProxy(address.url);
    url = await proxy.listen();
    stores = [];
  });

  afterEach(async () => {
    proxy.isDown = false;
    for (const store of stores) await store.close();
    await proxy[Symbol.asyncDispose]();
  });

  const open = async (limits: PostgresStoreDeps['limits'] = {}, through = url) => {
    const store = await openPostgresStore<ContractTables>({
      url: through,
      password: address.password,
      maxConnections: 10,
      migrations: [contractMigrations],
      clock: systemClock,
      log: silentLog,
      limits,
    });
    stores.push(store);
    await store.write((trx) =>
      trx
        .insertInto('account')
        .values({ id: 'total', balance: 0, photo: null })
        .onConflict((conflict) => conflict.column('id').doNothing())
        .execute(),
    );
    return store;
  };

  /** Counts itself: a unit that took effect twice, or not at all, shows in the total. */
  const add = (store: Store<ContractTables>, id: string) =>
    store.write(
      async (trx) => {
        await trx
          .updateTable('account')
          .set((eb) => ({ balance: eb('balance', '+', 1) }))
          .where('id', '=', 'total')
          .execute();
        await trx.insertInto('account').values({ id, balance: 1, photo: null }).execute();
        return id;
      },
      { isolation: 'locked-rows' },
    );

  const totals = async (store: Store<ContractTables>) => {
    const rows = await store.db.selectFrom('account').select(['id', 'balance']).execute();
    return { counted: rows.find(({ id }) => id === 'total')?.balance, rows: rows.length - 1 };
  };

  test.each<CommitFate>(['answer lost', 'commit lost', 'left open'])(
    'a unit takes effect once when its commit meets: %s',
    async (fate) => {
      const store = await open();
      for (const id of ['a', 'b', 'c']) {
        proxy.fates.push(fate);
        expect(await add(store, id)).toBe(id);
        expect(proxy.fates).toEqual([]);
      }
      expect(await totals(store)).toEqual({ counted: 3, rows: 3 });
    },
  );

  test('a unit takes effect once when the database crashes before its commit arrives', async () => {
    const store = await open();
    // Others make the ids of transactions that the crash undoes be given out again.
    const direct = await open({}, address.url);
    const crashed = new Promise<void>((resolve, reject) => {
      proxy.onFate = () => {
        proxy.onFate = () => {};
        server.restart().then(resolve, reject);
      };
    });
    proxy.fates.push('left open');
    const unit = add(store, 'a');
    await crashed;
    const others = await Promise.all(Array.from({ length: 20 }, (_, index) => add(direct, `other ${index}`)));
    expect(await unit).toBe('a');
    expect(await totals(store)).toEqual({ counted: others.length + 1, rows: others.length + 1 });
  });

  test('a unit whose outcome cannot be asked for says so', async () => {
    const store = await open({ resolveForMs: 300, retryForMs: 100 });
    proxy.onFate = () => {
      proxy.isDown = true;
      proxy.cutAll();
    };
    proxy.fates.push('answer lost');
    expect(await codeOf(add(store, 'a'))).toBe('STORE_OUTCOME_UNKNOWN');
    proxy.isDown = false;
    await expect.poll(() => totals(store).catch(() => undefined)).toEqual({ counted: 1, rows: 1 });
  });

  test('units and reads go on after every connection was cut, and after a restart', async () => {
    const store = await open();
    await add(store, 'a');
    proxy.cutAll();
    expect(await add(store, 'b')).toBe('b');
    await server.restart();
    expect(await totals(store)).toEqual({ counted: 2, rows: 2 });
    expect(await add(store, 'c')).toBe('c');
  });

  test('units under way while connections are cut take effect once', async () => {
    const store = await open();
    for (let round = 0; round < 15; round++) {
      const units = Promise.all(Array.from({ length: 8 }, (_, index) => add(store, `${round} ${index}`)));
      await delay(4 * round);
      proxy.cutAll();
      await units;
    }
    const { counted, rows } = await totals(store);
    expect({ counted, rows }).toEqual({ counted: 120, rows: 120 });
  });

  test('without a database units and reads are refused within bounds, and served when it is back', async () => {
    const store = await open({ retryForMs: 200 });
    proxy.isDown = true;
    proxy.cutAll();
    const refused = await Promise.all([
      ...Array.from({ length: 30 }, (_, index) => codeOf(add(store, String(index)))),
      codeOf(totals(store)),
    ]);
    expect(new Set(refused)).toEqual(new Set(['STORE_UNAVAILABLE']));
    proxy.isDown = false;
    expect(await add(store, 'a')).toBe('a');
    expect(await totals(store)).toEqual({ counted: 1, rows: 1 });
  });

  test('outbox listeners are called after the way to the database was cut', async () => {
    const store = await open();
    let calls = 0;
    store.onOutbox(() => (calls += 1));
    proxy.cutAll();
    await expect.poll(() => calls).toBe(1);
  });

  test('a database that says nothing is given up; the unit runs again, and reads are asked again', async () => {
    const store = await open({ unitTimeoutMs: 100, silenceMs: 300, retryForMs: 20_000 });
    server.pause();
    const unit = add(store, 'a');
    const read = totals(store);
    setTimeout(() => server.resume(), 1_000);
    expect(await unit).toBe('a');
    expect([0, 1]).toContain((await read).counted);
    expect(await totals(store)).toEqual({ counted: 1, rows: 1 });
  });

  describe('that falls silent once a connection is made', () => {
    let silent: SilentProxy;
    let through: string;

    /** After the n-th time that it is ready for a query: once when connected, then after each answer. */
    const setUp = async (times: number) => {
      silent = await startSilentProxy(Number(new URL(url).port), () => {
        let left = times;
        return (chunk) => chunk.includes(readyForQuery) && (left -= 1) === 0;
      });
      const address = new URL(url);
      address.port = String(silent.port);
      through = address.href;
    };
    afterEach(() => silent.close());

    test('a unit runs on another connection', { timeout: 30_000 }, async () => {
      await setUp(1);
      const store = await open({ silenceMs: 300, retryForMs: 20_000 }, through);
      silent.isSilent = true;
      silent.cutAll();
      const unit = add(store, 'a');
      await expect.poll(() => silent.silenced, { timeout: 10_000 }).toBeGreaterThan(3);
      silent.isSilent = false;
      expect(await unit).toBe('a');
      expect(await totals(store)).toEqual({ counted: 1, rows: 1 });
    });

    test.each([1, 2, 3])(
      'the outcome of a commit is asked for no longer than allowed: after %i answers',
      { timeout: 12_000 },
      async (times) => {
        await setUp(times);
        const store = await open({ resolveForMs: 500, retryForMs: 100 }, through);
        proxy.onFate = () => {
          silent.isSilent = true;
        };
        proxy.fates.push('answer lost');
        expect(await codeOf(add(store, 'a'))).toBe('STORE_OUTCOME_UNKNOWN');
        silent.isSilent = false;
        await expect.poll(() => totals(store).catch(() => undefined)).toEqual({ counted: 1, rows: 1 });
      },
    );

    test('other processes are heard again, on another connection', { timeout: 30_000 }, async () => {
      await setUp(1);
      const store = await open({}, through);
      let calls = 0;
      store.onOutbox(() => (calls += 1));
      silent.isSilent = true;
      silent.cutAll();
      await expect.poll(() => silent.silenced).toBe(1);
      silent.isSilent = false;
      await expect.poll(() => calls, { timeout: 20_000 }).toBe(1);
    });

    test('a store can be closed', { timeout: 12_000 }, async () => {
      await setUp(1);
      const store = await open({}, through);
      silent.isSilent = true;
      silent.cutAll();
      await expect.poll(() => silent.silenced).toBe(1);
      await store.close();
    });
  });

  test('integers beyond 2^53 are refused rather than rounded', async () => {
    const store = await open();
    await expect(sql`select 9007199254740993::bigint as n`.execute(store.db)).rejects.toThrow(RangeError);
    const { rows } = await sql<{ n: number }>`select 9007199254740991::bigint as n`.execute(store.db);
    expect(rows).toEqual([{ n: Number.MAX_SAFE_INTEGER }]);
  });

  test('a prepared query survives a schema that changed under it', async () => {
    const store = await open();
    const all = store.prepare((db, { id }: { readonly id: string }) =>
      db.selectFrom('account').selectAll().where('id', '=', id),
    );
    const values = { id: 'total' };
    await all.read(values);
    await store.write((trx) => all.run(trx, values));
    const other = await open({}, address.url);
    await other.write((trx) => trx.schema.alterTable('account').addColumn('note', 'text').execute());
    expect(await all.read(values)).toEqual([{ id: 'total', balance: 0, photo: null, note: null }]);
    expect(await store.write((trx) => all.run(trx, values))).toHaveLength(1);
  });
});
