import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { sql, type Transaction } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { contractMigrations, storeContract, type ContractTables } from '@conclave/testkit/contracts';
import { openSqliteStore, silentLog, systemClock, type Store, type StoreError } from '@conclave/platform';
import { createSqliteDatabase } from './sqlite-database.ts';

storeContract('SQLite', createSqliteDatabase);

describe('the SQLite store', () => {
  let database: Awaited<ReturnType<typeof createSqliteDatabase>>;
  let store: Store<ContractTables>;
  let children: ChildProcess[];

  beforeEach(async () => {
    database = await createSqliteDatabase();
    children = [];
  });

  afterEach(async () => {
    for (const child of children) {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
    }
    await store.close();
    await database.destroy();
  });

  const open = async () => {
    store = await database.open({ migrations: [contractMigrations] });
  };

  const insert = (id: string, photo: Uint8Array | null = null) =>
    store.write((trx) => trx.insertInto('account').values({ id, balance: 0, photo }).execute());

  const ids = async () =>
    (await store.db.selectFrom('account').select('id').orderBy('id').execute()).map(({ id }) => id);

  const pragma = async (trx: Transaction<ContractTables> | Store<ContractTables>['db'], text: string) => {
    const { rows } = await sql.raw<Record<string, unknown>>(`pragma ${text}`).execute(trx);
    return rows[0] === undefined ? undefined : Object.values(rows[0])[0];
  };

  test('syncs every commit, keeps a write-ahead log and enforces foreign keys', async () => {
    await open();
    const settings = await store.write(async (trx) => [
      await pragma(trx, 'journal_mode'),
      await pragma(trx, 'synchronous'),
      await pragma(trx, 'foreign_keys'),
    ]);
    expect(settings).toEqual(['wal', 2, 1]);
  });

  test('says that it is full, loses no neighbour silently, and goes on when there is room again', async () => {
    await open();
    await insert('before');
    await store.write((trx) => pragma(trx, 'max_page_count = 1'));
    const big = new Uint8Array(20_000);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 40 }, (_, index) => insert(`id-${index}`, index % 2 === 0 ? big : null)),
    );
    const kept = outcomes.flatMap(({ status }, index) => (status === 'fulfilled' ? [`id-${index}`] : []));
    expect(kept.length).toBeLessThanOrEqual(20);
    const refusals = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(new Set(refusals.map(({ reason }) => (reason as StoreError).code))).toEqual(
      new Set(['STORE_FULL']),
    );
    expect(await ids()).toEqual(['before', ...kept].toSorted());
    await store.write((trx) => pragma(trx, 'max_page_count = 1000000'));
    await insert('after', big);
    expect(await ids()).toContain('after');
  });

  test('a COMMIT that fails rejects its whole group, and the next group is fine', async () => {
    await open();
    await store.write(async (trx) => {
      await sql`create table child (parent text references account (id) deferrable initially deferred)`.execute(
        trx,
      );
    });
    const [dangling, neighbour, failing] = await Promise.allSettled([
      store.write((trx) => sql`insert into child values ('nobody')`.execute(trx)),
      insert('neighbour'),
      store.write(async () => {
        throw new Error('its own error, which nobody may hear: it was never true');
      }),
    ]);
    for (const outcome of [dangling, neighbour, failing]) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'STORE_UNAVAILABLE' } });
    }
    await insert('next');
    expect(await ids()).toEqual(['next']);
  });

  test('a unit that catches the error of a lost transaction is rejected all the same', async () => {
    await open();
    const swallowed = store.write(async (trx) => {
      await trx.insertInto('account').values({ id: 'lost', balance: 0, photo: null }).execute();
      // What SQLite does by itself when a page cannot be written.
      await sql`rollback`.execute(trx);
      return 'fine';
    });
    await expect(swallowed).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await insert('next');
    expect(await ids()).toEqual(['next']);
  });

  test('takes units that may wait with the next that do not, and ahead of them', async () => {
    store = await openSqliteStore<ContractTables>({
      file: database.file,
      migrations: [contractMigrations],
      limits: { maxWaitMs: 3_600_000 },
      clock: systemClock,
      log: silentLog,
    });
    const order: string[] = [];
    const patient = ['a', 'b'].map((id) =>
      store.write(
        async (trx) => {
          order.push(id);
          await trx.insertInto('account').values({ id, balance: 0, photo: null }).execute();
        },
        { mayWait: true },
      ),
    );
    await setTimeout(20);
    expect(order).toEqual([]);
    await store.write(async () => void order.push('urgent'));
    await Promise.all(patient);
    expect(order).toEqual(['a', 'b', 'urgent']);
    expect(await ids()).toEqual(['a', 'b']);
    // Closing waits for nobody else.
    const last = store.write(async () => 'last', { mayWait: true });
    await store.close();
    expect(await last).toBe('last');
  });

  test('takes units that may wait by themselves when nobody else comes', async () => {
    await open();
    expect(await store.write(async () => 'alone', { mayWait: true })).toBe('alone');
    expect(await store.write(async () => 'again', { mayWait: true })).toBe('again');
  });

  test('creates its folder and its files for their owner only', async () => {
    await open();
    await insert('a');
    for (const path of [dirname(database.file), database.file, `${database.file}-wal`]) {
      expect((await stat(path)).mode & 0o077).toBe(0);
    }
  });

  test('a place that cannot be used is a typed error', async () => {
    await open();
    const below = {
      file: join(database.file, 'below.db'),
      migrations: [],
      clock: systemClock,
      log: silentLog,
    };
    await expect(openSqliteStore(below)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  test('is refused while another process has it, and free when that process was killed', async () => {
    const holder = fork(new URL('store-holder.ts', import.meta.url), [database.file]);
    children.push(holder);
    await once(holder, 'message');
    await expect(open()).rejects.toMatchObject({ code: 'STORE_IN_USE' });
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    await open();
    expect(await ids()).toEqual(['holder']);
  });

  test('a file that is no database is refused with a typed error and left alone', async () => {
    await open();
    await store.close();
    await writeFile(database.file, 'these are my holiday photographs');
    await expect(open()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(await readFile(database.file, 'utf8')).toBe('these are my holiday photographs');
  });
});
