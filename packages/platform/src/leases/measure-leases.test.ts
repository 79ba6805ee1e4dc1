import { expect, test } from 'vitest';
import { createMetrics } from '../metrics/metrics.ts';
import { createInProcessLeases } from './in-process-leases.ts';
import type { Leases } from './leases.ts';
import { measureLeases } from './measure-leases.ts';

const valuesOf = async (metrics: ReturnType<typeof createMetrics>) => {
  const text = await metrics.exposition();
  const read = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  return { held: read('leases_held'), waiting: read('leases_waiting'), lost: read('leases_lost_total') };
};

test('counts what is held and waited for', async () => {
  const metrics = createMetrics({ prefix: '' });
  const leases = measureLeases(createInProcessLeases(), metrics);
  const one = await leases.acquire('a');
  const next = leases.acquire('a');
  expect(await valuesOf(metrics)).toEqual({ held: 1, waiting: 1, lost: 0 });
  await one.release();
  const two = await next;
  expect(two.token).toBeGreaterThan(one.token);
  expect([one.isHeld(), two.isHeld()]).toEqual([false, true]);
  expect(await valuesOf(metrics)).toEqual({ held: 1, waiting: 0, lost: 0 });
  await two.release();
  expect(await valuesOf(metrics)).toEqual({ held: 0, waiting: 0, lost: 0 });
  await leases.close();
});

test('counts what was lost, and a refusal as nothing', async () => {
  const metrics = createMetrics({ prefix: '' });
  const inner = createInProcessLeases();
  const ending = new AbortController();
  const failing: Leases = {
    ...inner,
    list: () => inner.list(),
    close: () => inner.close(),
    acquire: (name, options) =>
      name === 'refused'
        ? Promise.reject(new Error('refused'))
        : inner.acquire(name, options).then((lease) => ({
            name: lease.name,
            token: lease.token,
            lost: ending.signal,
            isHeld: () => !ending.signal.aborted,
            release: () => lease.release(),
          })),
  };
  const leases = measureLeases(failing, metrics);
  await expect(leases.acquire('refused')).rejects.toThrow('refused');
  await leases.acquire('a');
  ending.abort();
  expect(await valuesOf(metrics)).toEqual({ held: 0, waiting: 0, lost: 1 });
  await leases.close();
});
