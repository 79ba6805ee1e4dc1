import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { codeOf, contractMigrations, type ContractTables } from '@conclave/testkit/contracts';
import {
  createReadOnlySwitch,
  gateWrites,
  silentLog,
  systemRandom,
  watchSchema,
  type ReadOnlySwitch,
  type Store,
} from '@conclave/platform';
import { createManualClock, type ManualClock } from '@conclave/platform/testing';
import { createSqliteDatabase } from './sqlite-database.ts';

let database: Awaited<ReturnType<typeof createSqliteDatabase>>;
let bare: Store<ContractTables>;
let clock: ManualClock;

beforeEach(async () => {
  database = await createSqliteDatabase();
  bare = await database.open({ migrations: [contractMigrations] });
  clock = createManualClock();
});
afterEach(async () => {
  await bare.close();
  await database.destroy();
});

const insert = (store: Store<ContractTables>, id: string) =>
  store.write((trx) => trx.insertInto('account').values({ id, balance: 0, photo: null }).execute());
const ids = async () =>
  (await bare.db.selectFrom('account').select('id').orderBy('id').execute()).map(({ id }) => id);

describe('read-only mode', () => {
  let readOnly: ReadOnlySwitch<ContractTables>;
  beforeEach(() => {
    readOnly = createReadOnlySwitch({ store: bare, clock, random: systemRandom });
  });

  test('refuses units and answers reads', async () => {
    const { store } = readOnly;
    await insert(store, 'a');
    await readOnly.begin(1_000);
    expect(await codeOf(insert(store, 'b'))).toBe('STORE_READ_ONLY');
    expect(await store.db.selectFrom('account').select('id').execute()).toEqual([{ id: 'a' }]);
    expect(await ids()).toEqual(['a']);
  });

  test('begins only when every unit that ran has ended', async () => {
    const { store } = readOnly;
    const writes = Array.from({ length: 300 }, (_, index) => insert(store, `id-${index}`));
    const failing = store.write(async (trx) => {
      await trx.insertInto('account').values({ id: 'gone', balance: 0, photo: null }).execute();
      throw new Error('as asked');
    });
    const failed = codeOf(failing);
    await readOnly.begin(1_000);
    const seen = await ids();
    expect(seen).toHaveLength(300);
    await Promise.all(writes);
    expect(await failed).toBe('Error: as asked');
    expect(await ids()).toEqual(seen);
  });

  test('ends by itself, and is prolonged by asking again, as one session', async () => {
    const { session, endsAtMs } = await readOnly.begin(1_000);
    expect(endsAtMs).toBe(clock.nowMs() + 1_000);
    await clock.advance(900);
    expect(await readOnly.begin(1_000)).toEqual({ session, endsAtMs: clock.nowMs() + 1_000 });
    await clock.advance(900);
    expect(await codeOf(insert(readOnly.store, 'a'))).toBe('STORE_READ_ONLY');
    await clock.advance(100);
    expect(readOnly.current).toBeUndefined();
    await insert(readOnly.store, 'a');
    expect((await readOnly.begin(1_000)).session).not.toBe(session);
  });

  test('ends when told so, by the session that it is', async () => {
    const { session } = await readOnly.begin(1_000);
    expect(readOnly.end('another')).toBe(false);
    expect(readOnly.end(session)).toBe(true);
    await insert(readOnly.store, 'a');
    expect(readOnly.end(session)).toBe(false);
    expect(clock.pending).toBe(0);
  });

  test('a retired store takes nothing any more, whatever is asked', async () => {
    expect(readOnly.retire('another')).toBe(false);
    const { session } = await readOnly.begin(1_000);
    expect(readOnly.retire(session)).toBe(true);
    await clock.advance(1_000_000);
    expect(readOnly.end(session)).toBe(false);
    expect(await readOnly.begin(1_000)).toEqual({ session, endsAtMs: undefined });
    expect(await codeOf(insert(readOnly.store, 'a'))).toBe('STORE_READ_ONLY');
    expect(clock.pending).toBe(0);
  });
});

describe('a process whose database was migrated by a newer one', () => {
  const record = (id: number, readableBy: number) =>
    bare.write((trx) =>
      trx
        .withTables<{ schema_migrations: Record<string, unknown> }>()
        .insertInto('schema_migrations')
        .values({ sequence: 'contract', id, name: 'later', applied_at_ms: 0, readable_by: readableBy })
        .execute(),
    );

  test('goes on while it can, and then stops writing and is not ready', async () => {
    await using stack = new AsyncDisposableStack();
    const watch = watchSchema({ store: bare, migrations: [contractMigrations], clock, log: silentLog });
    stack.defer(() => watch.close());
    const store = gateWrites(bare, () => watch.refusal());
    await record(2, 1);
    await clock.advance(1_000);
    await watch.check();
    await insert(store, 'a');

    await record(3, 2);
    await clock.advance(1_000);
    await expect.poll(() => watch.refusal()?.code).toBe('STORE_SCHEMA_NEWER');
    expect(await codeOf(insert(store, 'b'))).toBe('STORE_SCHEMA_NEWER');
    expect((await watch.outdated).code).toBe('STORE_SCHEMA_NEWER');
    await expect(watch.check()).rejects.toThrow('migration 3 "later" of contract');
    expect(await store.db.selectFrom('account').select('id').execute()).toEqual([{ id: 'a' }]);
  });

  test('does not take a database that is away for a newer one', async () => {
    const watch = watchSchema({ store: bare, migrations: [contractMigrations], clock, log: silentLog });
    await bare.close();
    expect(await codeOf(watch.check())).not.toBe('STORE_SCHEMA_NEWER');
    expect(watch.refusal()).toBeUndefined();
    await watch.close();
    expect(clock.pending).toBe(0);
  });
});
