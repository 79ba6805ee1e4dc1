import { createInProcessLeases, silentLog, type Leases } from '@conclave/platform';
import { expect, it } from 'vitest';
import { runInOneProcess } from '../src/jobs/run-in-one-process.ts';

/** A process of the installation that may do the work, and what it did. */
function startProcess(leases: Leases, name: string, events: string[]) {
  const stop = new AbortController();
  const start = () => {
    events.push(`${name} starts`);
    return {
      async close() {
        events.push(`${name} stops`);
      },
    };
  };
  const running = runInOneProcess({ leases, lease: 'work', start, signal: stop.signal, log: silentLog });
  return {
    async stop() {
      stop.abort();
      await running;
    },
  };
}

it('is done by one, and taken over when that one stops', async () => {
  const leases = createInProcessLeases();
  const events: string[] = [];
  const first = startProcess(leases, 'first', events);
  await expect.poll(() => events).toEqual(['first starts']);
  const second = startProcess(leases, 'second', events);
  await first.stop();
  await expect.poll(() => events).toEqual(['first starts', 'first stops', 'second starts']);
  await second.stop();
  expect(events).toEqual(['first starts', 'first stops', 'second starts', 'second stops']);
  expect(await leases.list()).toEqual([]);
});

it('ends while it waits', async () => {
  const leases = createInProcessLeases();
  const lease = await leases.acquire('work');
  const events: string[] = [];
  const waiting = startProcess(leases, 'waiting', events);
  await waiting.stop();
  await lease.release();
  expect(events).toEqual([]);
});
