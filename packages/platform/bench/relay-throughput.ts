/**
 * Outbox rows per second from commit to handler, through the embedded store, relay and bus: writers enqueue
 * 300-byte rows on as many keys as given, the relay publishes and deletes them, a subscriber receives them.
 * Run: node packages/platform/bench/relay-throughput.ts
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import {
  createInProcessBus,
  createInProcessLeases,
  enqueueOutbox,
  openSqliteStore,
  silentLog,
  startRelay,
  systemClock,
  systemRandom,
  type OutboxTables,
} from '../src/index.ts';

const ROWS = 20_000;
const WRITERS = 64;
const payload = new Uint8Array(300).fill(7);

for (const keys of [1, 100, 1_000]) {
  const folder = mkdtempSync(join(tmpdir(), 'conclave-bench-'));
  const deps = { clock: systemClock, log: silentLog };
  const store = await openSqliteStore<OutboxTables>({
    ...deps,
    file: join(folder, 'bench.db'),
    migrations: [],
  });
  const bus = createInProcessBus(deps);
  const relay = startRelay({
    ...deps,
    leases: createInProcessLeases(),
    shards: 1,
    store,
    bus,
    random: systemRandom,
  });

  const latenciesMs: number[] = [];
  const sentMsById = new Map<string, number>();
  const all = Promise.withResolvers<void>();
  await bus.subscribe('events.>', async ({ messageId }) => {
    latenciesMs.push(performance.now() - sentMsById.get(messageId)!);
    if (latenciesMs.length === ROWS) all.resolve();
  });

  const startedMs = performance.now();
  const cpu = process.cpuUsage();
  let next = 0;
  await Promise.all(
    Array.from({ length: WRITERS }, async () => {
      while (next < ROWS) {
        const row = next;
        next += 1;
        const messageId = String(row);
        sentMsById.set(messageId, performance.now());
        await store.write((trx) =>
          enqueueOutbox(trx, {
            subject: `events.bench.${row % keys}`,
            orderingKey: String(row % keys),
            messageId,
            payload,
          }),
        );
      }
    }),
  );
  const committedMs = performance.now();
  await all.promise;
  const receivedMs = performance.now();
  const used = process.cpuUsage(cpu);
  latenciesMs.sort((a, b) => a - b);
  const at = (fraction: number) => latenciesMs[Math.floor(latenciesMs.length * fraction)]!.toFixed(1);
  process.stdout.write(
    `${String(keys).padStart(5)} keys: ${Math.round((ROWS * 1000) / (receivedMs - startedMs))} rows/s, ` +
      `received ${Math.round(receivedMs - committedMs)} ms after the last commit, ` +
      `from write to handler p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, ` +
      `${Math.round((used.user + used.system) / ROWS)} µs CPU a row\n`,
  );
  await relay.close();
  await bus.close();
  await store.close();
  rmSync(folder, { recursive: true });
}
