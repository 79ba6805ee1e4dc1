import { createMetrics, noTracer } from '@conclave/platform';
import { expect, it } from 'vitest';
import { createDeliveries } from './deliveries.ts';

function setUp(databaseNowMs: () => number | undefined) {
  const metrics = createMetrics({ prefix: '' });
  const deliveries = createDeliveries({ metrics, tracer: noTracer, databaseNowMs });
  const measured = async () => {
    await new Promise((resolve) => void setImmediate(resolve));
    const text = await metrics.exposition();
    const read = (what: string) =>
      Number(new RegExp(`delivery_duration_seconds_${what} (\\S+)`).exec(text)?.[1]);
    return { count: read('count'), sum: read('sum') };
  };
  return { deliveries, measured };
}

it('measures a message once, however many subscribers it has, by the clock of the database', async () => {
  const { deliveries, measured } = setUp(() => 5_000);
  expect(
    deliveries.deliver({ acceptedAtMs: 4_250 }, () => {
      deliveries.published(10_000);
      return 'handed';
    }),
  ).toBe('handed');
  expect(await measured()).toEqual({ count: 1, sum: 0.75 });
});

it('measures nothing of a message that nobody hears, that is a copy, or of which it is not known when', async () => {
  const { deliveries, measured } = setUp(() => 5_000);
  deliveries.deliver({ acceptedAtMs: 4_250 }, () => deliveries.published(0));
  deliveries.deliver({ acceptedAtMs: 4_250 }, () => {});
  deliveries.deliver({}, () => deliveries.published(1));
  const unknown = setUp(() => undefined);
  unknown.deliveries.deliver({ acceptedAtMs: 1 }, () => unknown.deliveries.published(1));
  expect((await measured()).count).toBe(0);
  expect((await unknown.measured()).count).toBe(0);
});

it('a message from the future took no time', async () => {
  const { deliveries, measured } = setUp(() => 5_000);
  deliveries.deliver({ acceptedAtMs: 6_000 }, () => deliveries.published(1));
  expect(await measured()).toEqual({ count: 1, sum: 0 });
});
