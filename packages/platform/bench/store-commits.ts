/**
 * Durable commits per second of the embedded store: each writer inserts a 500-byte row with two indexes and an
 * outbox row, waits for the acknowledgement and goes on. Run: node packages/platform/bench/store-commits.ts
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import {
  createMetrics,
  enqueueOutbox,
  openSqliteStore,
  silentLog,
  systemClock,
  type OutboxTables,
} from '../src/index.ts';

interface BenchTables extends OutboxTables {
  frame: { id: string; group_id: string; seq: number; body: Uint8Array };
}

const SECONDS = 2;
const body = new Uint8Array(500).fill(7);

for (const writers of [1, 8, 64, 256]) {
  const folder = mkdtempSync(join(tmpdir(), 'conclave-bench-'));
  const metrics = createMetrics();
  const countGroups = async () =>
    Number(/store_commit_duration_seconds_count (\d+)/.exec(await metrics.exposition())![1]);
  const store = await openSqliteStore<BenchTables>({
    file: join(folder, 'bench.db'),
    clock: systemClock,
    log: silentLog,
    metrics,
    migrations: [
      {
        name: 'bench',
        migrations: [
          {
            id: 1,
            name: 'frame',
            async up(db) {
              await db.schema
                .createTable('frame')
                .addColumn('id', 'text', (column) => column.primaryKey())
                .addColumn('group_id', 'text')
                .addColumn('seq', 'integer')
                .addColumn('body', 'blob')
                .execute();
              await db.schema.createIndex('frame_by_seq').on('frame').columns(['group_id', 'seq']).execute();
            },
          },
        ],
      },
    ],
  });
  const untilMs = performance.now() + SECONDS * 1000;
  const latenciesMs: number[] = [];
  const groupsBefore = await countGroups();
  const cpu = process.cpuUsage();
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      for (let seq = 0; performance.now() < untilMs; seq += 1) {
        const sentMs = performance.now();
        await store.write(async (trx) => {
          await trx
            .insertInto('frame')
            .values({ id: `${writer}-${seq}`, group_id: `group-${writer}`, seq, body })
            .execute();
          await enqueueOutbox(trx, {
            subject: `events.group.${writer}`,
            orderingKey: `group-${writer}`,
            messageId: `${writer}-${seq}`,
            payload: body,
          });
        });
        latenciesMs.push(performance.now() - sentMs);
      }
    }),
  );
  const used = process.cpuUsage(cpu);
  const groups = (await countGroups()) - groupsBefore;
  latenciesMs.sort((a, b) => a - b);
  const at = (fraction: number) => latenciesMs[Math.floor(latenciesMs.length * fraction)]!.toFixed(2);
  process.stdout.write(
    `${String(writers).padStart(4)} writers: ${Math.round(latenciesMs.length / SECONDS)} commits/s, ` +
      `${(latenciesMs.length / groups).toFixed(1)} units a group, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, ` +
      `${Math.round((used.user + used.system) / latenciesMs.length)} µs CPU each\n`,
  );
  await store.close();
  rmSync(folder, { recursive: true });
}
