/** What metrics and traces say of a row between the outbox and the bus. A receiver of OTLP stands in for a collector. */
import {
  BusError,
  createInProcessBus,
  createInProcessLeases,
  createMetrics,
  enqueueOutbox,
  openOtelTracer,
  silentLog,
  startDatabaseClock,
  startRelay,
  systemClock,
  systemRandom,
  type Bus,
  type BusMessage,
} from '@conclave/platform';
import { contractMigrations } from '@conclave/testkit/contracts';
import { startTraceCollector } from '@conclave/testkit/trace-collector';
import { expect, onTestFinished, test } from 'vitest';
import { createSqliteDatabase } from './sqlite-database.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const traceParent = `00-${traceId}-00f067aa0ba902b7-01`;

async function setUp() {
  const database = await createSqliteDatabase();
  const store = await database.open({ migrations: [contractMigrations] });
  const metrics = createMetrics({ prefix: '' });
  const collector = await startTraceCollector();
  const tracer = await openOtelTracer(
    { endpoint: collector.url, sampleRatio: 0, serviceName: 'conclave', processId: 'p1', version: '1' },
    { random: systemRandom, log: silentLog, metrics },
  );
  const bus = createInProcessBus({ clock: systemClock, log: silentLog });
  const databaseClock = startDatabaseClock({
    engine: 'sqlite',
    db: store.db,
    clock: systemClock,
    log: silentLog,
  });
  await databaseClock.look();
  onTestFinished(async () => {
    await databaseClock.close();
    await bus.close();
    await tracer.close();
    await collector[Symbol.asyncDispose]();
    await store.close();
    await database.destroy();
  });
  const enqueue = (messageId: string, parent?: string) =>
    store.write((trx) =>
      enqueueOutbox(trx, {
        subject: 'events.test.1',
        orderingKey: 'key',
        messageId,
        payload: new Uint8Array([1]),
        traceParent: parent,
      }),
    );
  const relay = (to: Bus) => {
    const started = startRelay({
      store,
      bus: to,
      leases: createInProcessLeases(),
      shards: 1,
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
      metrics,
      tracer,
      databaseNowMs: () => databaseClock.nowMs(),
      limits: { minBackoffMs: 5, maxBackoffMs: 10 },
    });
    onTestFinished(() => started.close());
    return started;
  };
  const metric = async (name: string) => {
    const line = (await metrics.exposition()).split('\n').find((text) => text.startsWith(`${name} `));
    return line === undefined ? undefined : Number(line.slice(name.length + 1));
  };
  return { bus, collector, enqueue, metric, relay, tracer };
}

test('a traced row is one span of its trace, under which the bus goes on; others are handed on without', async () => {
  const { bus, collector, enqueue, metric, relay, tracer } = await setUp();
  const messages: BusMessage[] = [];
  await bus.subscribe('events.>', async (message) => void messages.push(message));
  await enqueue('traced', traceParent);
  await enqueue('untraced');
  relay(bus);
  await expect.poll(() => messages.length).toBe(2);
  await expect.poll(() => metric('relay_delay_seconds_count')).toBe(2);
  await tracer.close();

  const [span, ...others] = collector.spans;
  expect(others).toEqual([]);
  expect(span).toMatchObject({
    name: 'relay publish',
    traceId,
    parentSpanId: '00f067aa0ba902b7',
    attributes: { 'conclave.attempts': 1 },
  });
  expect(messages.map((message) => message.traceParent)).toEqual([
    `00-${traceId}-${span!.spanId}-01`,
    undefined,
  ]);
  for (const { acceptedAtMs } of messages)
    expect(Math.abs(acceptedAtMs! - systemClock.nowMs())).toBeLessThan(60_000);
  await expect.poll(() => metric('outbox_pending')).toBe(0);
  expect(await metric('outbox_oldest_age_seconds')).toBe(0);
});

test('while the bus is away rows grow old, and each attempt is a span that failed', async () => {
  const { bus, collector, enqueue, metric, relay, tracer } = await setUp();
  let isAway = true;
  let attempts = 0;
  const flaky: Bus = {
    ...bus,
    async publish(subject, payload, options) {
      attempts += 1;
      if (isAway) throw new BusError('BUS_UNAVAILABLE', 'away');
      await bus.publish(subject, payload, options);
    },
  };
  await enqueue('traced', traceParent);
  relay(flaky);
  await expect.poll(() => attempts).toBeGreaterThan(2);
  expect(await metric('outbox_pending')).toBe(1);
  const younger = (await metric('outbox_oldest_age_seconds'))!;
  await expect.poll(() => metric('outbox_oldest_age_seconds')).toBeGreaterThan(younger);
  isAway = false;
  await expect.poll(() => metric('outbox_pending')).toBe(0);
  expect(await metric('relay_delay_seconds_count')).toBe(1);
  expect(await metric('relay_delay_seconds_sum')).toBeGreaterThan(0);
  await tracer.close();
  const failed = collector.spans.filter(({ hasFailed }) => hasFailed);
  expect(failed.length).toBe(attempts - 1);
  expect(failed.every(({ attributes }) => attributes['error.type'] === 'BUS_UNAVAILABLE')).toBe(true);
  expect(new Set(collector.spans.map((span) => span.traceId))).toEqual(new Set([traceId]));
});
