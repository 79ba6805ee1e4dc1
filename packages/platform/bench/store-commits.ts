/**
 * Durable commits per second: each writer inserts a 500-byte row with two indexes and an outbox row, waits for the
 * acknowledgement and goes on. With `--batch N` a unit does it N times with prepared queries, as message batches do.
 *
 *   node packages/platform/bench/store-commits.ts [--engine sqlite|postgres] [--batch N] [--isolation locked-rows]
 *
 * `postgres` starts a server of its own, with its default durability, on the same cores.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import {
  createMetrics,
  enqueueOutbox,
  openSqliteStore,
  prepareEnqueue,
  silentLog,
  systemClock,
  type Isolation,
  type MigrationSequence,
  type OutboxTables,
  type Store,
} from '@conclave/platform';
import { openPostgresStore } from '@conclave/platform/postgres';
import { startPostgres, type PostgresServer } from '@conclave/testkit/servers';

interface BenchTables extends OutboxTables {
  frame: { id: string; group_id: string; seq: number; body: Uint8Array };
}

const { values: flags } = parseArgs({
  options: {
    engine: { type: 'string', default: 'sqlite' },
    batch: { type: 'string', default: '1' },
    isolation: { type: 'string', default: 'serializable' },
  },
});
const batch = Number(flags.batch);
const isolation = flags.isolation as Isolation;
const SECONDS = 2;
const body = new Uint8Array(500).fill(7);
const migrations: MigrationSequence[] = [
  {
    name: 'bench',
    migrations: [
      {
        id: 1,
        name: 'frame',
        async up(db, engine) {
          await db.schema
            .createTable('frame')
            .addColumn('id', 'text', (column) => column.primaryKey())
            .addColumn('group_id', 'text')
            .addColumn('seq', engine.integer)
            .addColumn('body', engine.bytes)
            .execute();
          await db.schema.createIndex('frame_by_seq').on('frame').columns(['group_id', 'seq']).execute();
        },
      },
    ],
  },
];

const server = flags.engine === 'postgres' ? await startPostgres() : undefined;
for (const writers of [1, 8, 64, 256]) await measure(writers);
await server?.[Symbol.asyncDispose]();

async function measure(writers: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'conclave-bench-'));
  const metrics = createMetrics();
  const store = await open(join(folder, 'bench.db'), metrics, server);
  const insert = store.prepare((db, row: BenchTables['frame']) =>
    db.insertInto('frame').values({ id: row.id, group_id: row.group_id, seq: row.seq, body: row.body }),
  );
  const enqueue = prepareEnqueue(store);

  const unitOf = (writer: number, first: number) => async (trx: Parameters<typeof enqueue>[0]) => {
    const frames = Array.from({ length: batch }, (_, index) => ({
      id: `${writer}-${first + index}`,
      group_id: `group-${writer}`,
      seq: first + index,
      body,
    }));
    const entries = frames.map(({ id, group_id: orderingKey }) => ({
      subject: `events.group.${writer}`,
      orderingKey,
      messageId: id,
      payload: body,
    }));
    if (batch > 1) {
      await insert.runEach(trx, frames);
      await enqueue(trx, entries);
      return;
    }
    await trx.insertInto('frame').values(frames).execute();
    await enqueueOutbox(trx, entries[0]!);
  };

  const untilMs = performance.now() + SECONDS * 1000;
  const latenciesMs: number[] = [];
  const cpu = process.cpuUsage();
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      for (let seq = 0; performance.now() < untilMs; seq += batch) {
        const sentMs = performance.now();
        await store.write(unitOf(writer, seq), { isolation });
        latenciesMs.push(performance.now() - sentMs);
      }
    }),
  );
  const used = process.cpuUsage(cpu);
  latenciesMs.sort((a, b) => a - b);
  const at = (fraction: number) => latenciesMs[Math.floor(latenciesMs.length * fraction)]!.toFixed(2);
  const rows = latenciesMs.length * batch;
  process.stdout.write(
    `${String(writers).padStart(4)} writers: ${Math.round(rows / SECONDS)} rows/s, ` +
      `${Math.round(latenciesMs.length / SECONDS)} units/s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, ` +
      `${Math.round((used.user + used.system) / rows)} µs CPU of this process a row${await extras(metrics, latenciesMs.length)}\n`,
  );
  await store.close();
  rmSync(folder, { recursive: true });
}

async function open(
  file: string,
  metrics: ReturnType<typeof createMetrics>,
  postgres: PostgresServer | undefined,
): Promise<Store<BenchTables>> {
  const common = { migrations, metrics, clock: systemClock, log: silentLog };
  if (postgres === undefined) return await openSqliteStore<BenchTables>({ file, ...common });
  const { url, password } = await postgres.createDatabase();
  return await openPostgresStore<BenchTables>({ url, password, maxConnections: 20, ...common });
}

/** What only one of the engines has: groups, and attempts that were not the last. */
async function extras(metrics: ReturnType<typeof createMetrics>, units: number): Promise<string> {
  const text = await metrics.exposition();
  const groups = /store_commit_duration_seconds_count (\d+)/.exec(text)?.[1];
  if (groups !== undefined) return `, ${(units / Number(groups)).toFixed(1)} units a group`;
  const retries = [...text.matchAll(/store_retries_total\{[^}]*\} (\d+)/g)];
  return `, ${retries.reduce((sum, [, count]) => sum + Number(count), 0)} retries`;
}
