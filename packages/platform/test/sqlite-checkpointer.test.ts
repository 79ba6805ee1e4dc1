/** Checkpoints beside the event loop: the log stays short while somebody writes, and a thread that fails takes nothing with it. */
import { stat, symlink } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { contractMigrations } from '@conclave/testkit/contracts';
import { silentLog, type Log } from '@conclave/platform';
import {
  CHECKPOINT_COMMITS,
  createCheckpointer,
  type Checkpointer,
} from '../src/store/sqlite/checkpointer.ts';
import { createSqliteDatabase } from './sqlite-database.ts';

let database: Awaited<ReturnType<typeof createSqliteDatabase>>;

beforeEach(async () => {
  database = await createSqliteDatabase();
});

afterEach(() => database.destroy());

const pageBytes = 4_096;

test('the log begins anew again and again while somebody writes without a pause', async () => {
  const store = await database.open({ migrations: [contractMigrations] });
  const photo = new Uint8Array(20_000);
  const commits = 10 * CHECKPOINT_COMMITS;
  let longest = 0;
  for (let commit = 0; commit < commits; commit += 1) {
    await store.write((trx) =>
      trx
        .insertInto('account')
        .values({ id: `id-${commit}`, balance: 0, photo })
        .execute(),
    );
    longest = Math.max(longest, (await stat(`${database.file}-wal`)).size);
  }
  // Every commit writes seven pages or more: without checkpoints they would all be there.
  expect(longest).toBeLessThan((commits * 7 * pageBytes) / 2);
  await store.close();
  await expect(stat(`${database.file}-wal`)).rejects.toMatchObject({ code: 'ENOENT' });

  const again = await database.open({ migrations: [contractMigrations] });
  const { count } = await again.db
    .selectFrom('account')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  expect(count).toBe(commits);
  await again.close();
});

test('a thread that fails is said once, and started anew for the next checkpoint', async () => {
  const warnings: unknown[] = [];
  const log: Log = { ...silentLog, warn: (...words: unknown[]) => void warnings.push(words) };
  const store = await database.open({ migrations: [contractMigrations] });
  using writer = disposable(new Database(database.file));
  writer.value.pragma('wal_autocheckpoint = 0');
  writer.value.exec('create table t (x)');
  const late = `${database.file}-late`;
  await using checkpointer = asyncDisposable(createCheckpointer({ file: late, writer: writer.value, log }));
  const ask = (): void => {
    for (let commit = 0; commit < CHECKPOINT_COMMITS; commit += 1) checkpointer.value.committed();
  };
  const copied = (): number => {
    const [row] = writer.value.pragma('wal_checkpoint(NOOP)') as [{ checkpointed: number }];
    return row.checkpointed;
  };

  ask();
  await vi.waitFor(() => expect(warnings).toHaveLength(1));
  for (let round = 0; round < 10; round += 1) {
    ask();
    await setTimeout(50);
  }
  expect(warnings).toHaveLength(1);
  expect(copied()).toBe(0);

  await symlink(database.file, late);
  await vi.waitFor(
    () => {
      ask();
      expect(copied()).toBeGreaterThan(0);
    },
    { timeout: 10_000 },
  );
  await store.close();
});

test.for([0, 5, 20, 40])(
  'closed %i ms after its thread was started, it lets it come to its own end',
  async (pause) => {
    const exits: number[] = [];
    const watch = (worker: Worker): void => void worker.once('exit', (code) => exits.push(code));
    process.on('worker', watch);
    try {
      const store = await database.open({ migrations: [contractMigrations] });
      using writer = disposable(new Database(database.file));
      const checkpointer = createCheckpointer({ file: database.file, writer: writer.value, log: silentLog });
      for (let commit = 0; commit < CHECKPOINT_COMMITS; commit += 1) checkpointer.committed();
      await setTimeout(pause);
      await checkpointer.close();
      expect(exits).toEqual([0]);
      await store.close();
    } finally {
      process.off('worker', watch);
    }
  },
);

function disposable(value: Database.Database): Disposable & { readonly value: Database.Database } {
  return { value, [Symbol.dispose]: () => void value.close() };
}

function asyncDisposable(value: Checkpointer): AsyncDisposable & { readonly value: Checkpointer } {
  return { value, [Symbol.asyncDispose]: () => value.close() };
}
