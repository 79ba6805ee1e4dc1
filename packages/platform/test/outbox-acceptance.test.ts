/** When an outbox row was accepted, by the one clock that all processes share. */
import {
  enqueueOutbox,
  openSqliteStore,
  prepareEnqueue,
  silentLog,
  startDatabaseClock,
  systemClock,
} from '@conclave/platform';
import { contractMigrations } from '@conclave/testkit/contracts';
import Database from 'better-sqlite3';
import { Kysely, SqliteDialect, sql, type Transaction } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { platformMigrations } from '../src/outbox/outbox-table.ts';
import { migrate } from '../src/store/migration.ts';
import { createSqliteDatabase } from './sqlite-database.ts';

const traceParent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const entry = (messageId: string) => ({
  subject: 'events.test.1',
  orderingKey: 'key',
  messageId,
  payload: new Uint8Array([1]),
});

async function openStore() {
  const database = await createSqliteDatabase();
  const store = await database.open({ migrations: [contractMigrations] });
  onTestFinished(async () => {
    await store.close();
    await database.destroy();
  });
  return store;
}

test('rows carry the trace they are part of, and the database says when they were accepted', async () => {
  const store = await openStore();
  const enqueue = prepareEnqueue(store);
  const before = systemClock.nowMs();
  await store.write(async (trx) => {
    await enqueueOutbox(trx, { ...entry('m.1'), traceParent });
    await enqueue(trx, [{ ...entry('m.2'), traceParent }, entry('m.3')]);
  });
  const after = systemClock.nowMs();
  const rows = await store.db.selectFrom('outbox').selectAll().orderBy('id').execute();
  expect(rows.map(({ trace_parent }) => trace_parent)).toEqual([traceParent, traceParent, null]);
  for (const { accepted_at_ms } of rows) {
    expect(accepted_at_ms).toBeGreaterThanOrEqual(before);
    expect(accepted_at_ms).toBeLessThanOrEqual(after);
  }
});

test('a database from before keeps its rows and ids, and says of them that nothing is known', async () => {
  const old = await createSqliteDatabase();
  // Makes the folder and lets go of the file.
  const first = await openSqliteStore({
    file: `${old.file}.other`,
    migrations: [],
    clock: systemClock,
    log: silentLog,
  });
  await first.close();
  const raw = new Database(old.file);
  const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database: raw }) });
  const transaction = <T>(unit: (trx: Transaction<unknown>) => Promise<T>) => db.transaction().execute(unit);
  await migrate(
    {
      engine: {
        name: 'sqlite',
        bytes: 'blob',
        integer: 'integer',
        serial: { type: 'integer', define: (column) => column.primaryKey().autoIncrement() },
      },
      nowMs: () => systemClock.nowMs(),
      transaction,
    },
    [{ name: 'platform', migrations: platformMigrations.migrations.slice(0, 1) }],
  );
  for (const id of ['a', 'b', 'c']) {
    await sql`insert into outbox (subject, ordering_key, message_id, payload) values ('s', 'k', ${id}, x'01')`.execute(
      db,
    );
  }
  await sql`delete from outbox where message_id in ('a', 'c')`.execute(db);
  await db.destroy();

  const store = await old.open({ migrations: [contractMigrations] });
  onTestFinished(async () => {
    await store.close();
    await old.destroy();
  });
  await store.write((trx) => enqueueOutbox(trx, entry('d')));
  const rows = await store.db.selectFrom('outbox').selectAll().orderBy('id').execute();
  expect(rows.map(({ id, message_id }) => [id, message_id])).toEqual([
    [2, 'b'],
    [4, 'd'],
  ]);
  expect(rows.map(({ accepted_at_ms }) => accepted_at_ms === null)).toEqual([true, false]);
});

test('the database’s clock is read within the time that asking takes, whatever this process’s clock says', async () => {
  const store = await openStore();
  const skewed = { ...systemClock, nowMs: () => systemClock.nowMs() - 3_600_000 };
  const databaseClock = startDatabaseClock({ engine: 'sqlite', db: store.db, clock: skewed, log: silentLog });
  onTestFinished(() => databaseClock.close());
  expect(databaseClock.nowMs()).toBeUndefined();
  const before = systemClock.nowMs();
  await databaseClock.look();
  const read = databaseClock.nowMs()!;
  const after = systemClock.nowMs();
  // To the millisecond, which is what the database gives, and by half a look to either side.
  expect(read).toBeGreaterThanOrEqual(before - 2 - (after - before) / 2);
  expect(read).toBeLessThanOrEqual(after + 2 + (after - before) / 2);
});

test('a database that is away leaves the clock running', async () => {
  const store = await openStore();
  const databaseClock = startDatabaseClock({
    engine: 'sqlite',
    db: store.db,
    clock: systemClock,
    log: silentLog,
  });
  await databaseClock.look();
  const before = databaseClock.nowMs()!;
  await store.close();
  await databaseClock.look();
  expect(databaseClock.nowMs()).toBeGreaterThanOrEqual(before);
  await databaseClock.close();
});
