/** On a real PostgreSQL: the one clock that all processes share, and what the store tells of its connections. */
import {
  createMetrics,
  enqueueOutbox,
  silentLog,
  startDatabaseClock,
  systemClock,
  type Clock,
} from '@conclave/platform';
import { openPostgresStore } from '@conclave/platform/postgres';
import { contractMigrations, type ContractTables } from '@conclave/testkit/contracts';
import { missingPostgres, startPostgres, type PostgresServer } from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';

const hourMs = 3_600_000;

requireServer(missingPostgres())('what is measured on PostgreSQL', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  it('is measured alike by processes whose clocks are hours apart', async () => {
    const { url, password } = await server.createDatabase();
    const open = async (skewMs: number) => {
      const clock: Clock = {
        nowMs: () => systemClock.nowMs() + skewMs,
        monotonicMs: () => systemClock.monotonicMs() + skewMs,
        schedule: (delayMs, task) => systemClock.schedule(delayMs, task),
      };
      const metrics = createMetrics({ prefix: '' });
      const deps = { url, password, maxConnections: 6, migrations: [contractMigrations], log: silentLog };
      const store = await openPostgresStore<ContractTables>({ ...deps, clock, metrics });
      const databaseClock = startDatabaseClock({ engine: store.engine, db: store.db, clock, log: silentLog });
      await databaseClock.look();
      onTestFinished(async () => {
        await databaseClock.close();
        await store.close();
      });
      return { store, databaseClock, metrics };
    };
    const early = await open(-2 * hourMs);
    const late = await open(2 * hourMs);

    const before = late.databaseClock.nowMs()!;
    await early.store.write((trx) =>
      enqueueOutbox(trx, {
        subject: 'events.test.1',
        orderingKey: 'key',
        messageId: 'm',
        payload: new Uint8Array([1]),
      }),
    );
    const after = late.databaseClock.nowMs()!;
    const { accepted_at_ms: acceptedAtMs } = await late.store.db
      .selectFrom('outbox')
      .select('accepted_at_ms')
      .executeTakeFirstOrThrow();
    // Each look is wrong by half of its round trip at most: nothing beside the hours that the clocks are apart.
    expect(acceptedAtMs).toBeGreaterThan(before - 60_000);
    expect(acceptedAtMs).toBeLessThan(after + 60_000);
    expect(Math.abs(early.databaseClock.nowMs()! - late.databaseClock.nowMs()!)).toBeLessThan(60_000);

    const text = await early.metrics.exposition();
    expect(text).toContain('store_connections{state="idle"} 1\n');
    expect(text).toContain('store_connections{state="running"} 0\n');
    expect(text).toContain('store_connections_limit 6\n');
    expect(text).toMatch(/^store_units_total [1-9]/m);
  });
});
