/**
 * Outbox rows from commit to subscriber through PostgreSQL and NATS JetStream, by one relay: how long each takes at a gentle
 * rate, and how many go through at most. Beside it what the parts take alone: a commit, a publication.
 * Run: node packages/platform/bench/relay-on-engines.ts
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { startNats, startPostgres } from '@conclave/testkit/servers';
import { openNatsBus } from '../src/bus/nats/index.ts';
import {
  createInProcessLeases,
  prepareEnqueue,
  silentLog,
  startRelay,
  systemClock,
  systemRandom,
  type OutboxTables,
} from '../src/index.ts';
import { openPostgresStore } from '../src/postgres.ts';

const GENTLE_ROWS = 1_000;
const ROWS = 10_000;
const WRITERS = 32;
const KEYS = 200;
const payload = new Uint8Array(300).fill(7);

await using postgres = await startPostgres();
await using nats = await startNats();
const deps = { clock: systemClock, log: silentLog };
const store = await openPostgresStore<OutboxTables>({
  ...deps,
  url: postgres.url,
  password: postgres.password,
  maxConnections: 20,
  migrations: [],
});
const bus = await openNatsBus({
  ...deps,
  url: nats.url,
  password: nats.password,
  stream: 'EVENTS',
  replicas: 1,
  retentionMs: 3_600_000,
});
const relay = startRelay({
  ...deps,
  store,
  bus,
  leases: createInProcessLeases(),
  shards: 8,
  random: systemRandom,
});
const enqueue = prepareEnqueue(store);

const committedMs = new Map<string, number>();
const receivedMs = new Map<string, number>();
let wanted = 0;
let round = 0;
let all = Promise.withResolvers<void>();
await bus.subscribe('events.>', async ({ messageId }) => {
  receivedMs.set(messageId, performance.now());
  if (receivedMs.size === wanted) all.resolve();
});

const commitMs: number[] = [];
const put = async (row: number): Promise<void> => {
  const key = String(row % KEYS);
  const messageId = `${round}-${row}`;
  const beganMs = performance.now();
  await store.write(
    (trx) => enqueue(trx, [{ subject: `events.bench.${key}`, orderingKey: key, messageId, payload }]),
    { isolation: 'locked-rows' },
  );
  committedMs.set(messageId, performance.now());
  commitMs.push(performance.now() - beganMs);
};

const quantiles = (values: number[]): string => {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (fraction: number) => sorted[Math.floor(sorted.length * fraction)]!.toFixed(1);
  return `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms`;
};
const begin = (rows: number): void => {
  [committedMs, receivedMs].forEach((map) => map.clear());
  commitMs.length = 0;
  wanted = rows;
  round += 1;
  all = Promise.withResolvers<void>();
};
// A row may be heard before its writer hears of its commit.
const lags = () => [...receivedMs].map(([id, atMs]) => Math.max(0, atMs - committedMs.get(id)!));

const publishMs: number[] = [];
for (let index = 0; index < 200; index += 1) {
  const beganMs = performance.now();
  await bus.publish('events.bench.alone', payload, { messageId: `alone-${index}` });
  publishMs.push(performance.now() - beganMs);
}
process.stdout.write(`a publication alone:  ${quantiles(publishMs)}\n`);

for (const state of ['cold', 'warm']) {
  begin(GENTLE_ROWS);
  for (let row = 0; row < GENTLE_ROWS; row += 1) {
    void put(row);
    await delay(5);
  }
  await all.promise;
  process.stdout.write(
    `gentle, ${state}:         commit ${quantiles(commitMs)}; from commit to subscriber ${quantiles(lags())}\n`,
  );
}

begin(ROWS);
const startedMs = performance.now();
const cpu = process.cpuUsage();
let next = 0;
await Promise.all(
  Array.from({ length: WRITERS }, async () => {
    while (next < ROWS) await put((next += 1));
  }),
);
const writtenMs = performance.now();
await all.promise;
const used = process.cpuUsage(cpu);
process.stdout.write(
  `at most:              ${Math.round((ROWS * 1000) / (performance.now() - startedMs))} rows/s ` +
    `(written at ${Math.round((ROWS * 1000) / (writtenMs - startedMs))}/s); from commit to subscriber ${quantiles(lags())}; ` +
    `${Math.round((used.user + used.system) / ROWS)} µs CPU a row in this process\n`,
);
await relay.close();
await bus.close();
await store.close();
