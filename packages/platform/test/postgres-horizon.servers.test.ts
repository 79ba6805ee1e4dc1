/**
 * No reader skips a row (docs/decisions/0009-many-processes.md): several processes write, each commit comes some time after its id,
 * and readers go by ascending id.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { contractMigrations, type ContractTables } from '@conclave/testkit/contracts';
import { missingPostgres, startPostgres, type PostgresServer } from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import type { Store } from '@conclave/platform';
import { createPostgresDatabase } from './postgres-database.ts';

requireServer(missingPostgres())('the horizon of a table on PostgreSQL', () => {
  let server: PostgresServer;
  let database: Awaited<ReturnType<typeof createPostgresDatabase>>;
  let store: Store<ContractTables>;
  let children: ChildProcess[];

  beforeAll(async () => {
    server = await startPostgres();
  });

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  beforeEach(async () => {
    children = [];
    database = await createPostgresDatabase(server);
    store = await database.open({ migrations: [contractMigrations] });
  });

  afterEach(async () => {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await store.close();
  });

  const startWriter = async (): Promise<ChildProcess> => {
    const { url, password } = database.address;
    const program = fileURLToPath(new URL('outbox-writer.ts', import.meta.url));
    const child = fork(program, [url, '6'], { timeout: 120_000 });
    children.push(child);
    child.send(password);
    await once(child, 'message');
    return child;
  };

  const idsBetween = async (after: number, upTo: number): Promise<number[]> =>
    (
      await store.db
        .selectFrom('outbox')
        .select('id')
        .where('id', '>', after)
        .where('id', '<=', upTo)
        .orderBy('id')
        .execute()
    ).map(({ id }) => id);

  /** Reads by ascending id, and moves his place to what `nextPlace` says. */
  class Reader {
    readonly seen: number[] = [];
    #place = 0;
    readonly #nextPlace: () => Promise<number>;

    constructor(nextPlace: () => Promise<number>) {
      this.#nextPlace = nextPlace;
    }

    async read(): Promise<void> {
      const next = await this.#nextPlace();
      if (next <= this.#place) return;
      this.seen.push(...(await idsBetween(this.#place, next)));
      this.#place = next;
    }
  }

  test('is never moved beyond by a row, whoever writes; readers by the largest id are', async () => {
    const byHorizon = new Reader(() => store.horizon('outbox'));
    // The control: the technique that this one replaces.
    const byLargestId = new Reader(async () => {
      const { id } = await store.db
        .selectFrom('outbox')
        .select(({ fn }) => fn.max<number | null>('id').as('id'))
        .executeTakeFirstOrThrow();
      return id ?? 0;
    });
    const writers = await Promise.all([startWriter(), startWriter(), startWriter()]);
    const readUntil = performance.now() + 5_000;
    while (performance.now() < readUntil) {
      await Promise.all([byHorizon.read(), byLargestId.read()]);
      await delay(1);
    }
    const reports = await Promise.all(
      writers.map(async (child) => {
        const [reported] = [once(child, 'message'), child.send('stop')];
        const [report] = (await reported) as [{ written: number }];
        return report.written;
      }),
    );
    await byLargestId.read();

    const all = await idsBetween(0, Number.MAX_SAFE_INTEGER);
    expect(all).toHaveLength(reports.reduce((sum, written) => sum + written, 0));
    const readOn = async (): Promise<number> => {
      await byHorizon.read();
      return byHorizon.seen.length;
    };
    // The last rows are readable a moment before the horizon has passed them.
    await expect.poll(readOn, { timeout: 10_000 }).toBeGreaterThanOrEqual(all.length);
    expect(byHorizon.seen).toEqual(all);
    expect(byLargestId.seen.length).toBeLessThan(all.length);
  });

  test('waits for a unit that has an id and has written nothing yet', async () => {
    const hasId = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const row = { subject: 'events.test.1', ordering_key: '1', message_id: 'm', payload: new Uint8Array() };
    const insert = () => store.write((trx) => trx.insertInto('outbox').values(row).execute());
    // The first id of every 32 is written to the log, for which PostgreSQL itself takes the transaction's id. The next is not.
    await insert();
    const slow = store.write(async (trx) => {
      await sql`select nextval('outbox_id_seq')`.execute(trx);
      hasId.resolve();
      await release.promise;
      await trx
        .insertInto('outbox')
        .values({ ...row, id: 2 })
        .execute();
    });
    await hasId.promise;
    await insert();
    expect(await store.horizon('outbox')).toBe(0);
    release.resolve();
    await slow;
    expect(await store.horizon('outbox')).toBe(3);
    expect(await idsBetween(0, 3)).toEqual([1, 2, 3]);
  });
});
