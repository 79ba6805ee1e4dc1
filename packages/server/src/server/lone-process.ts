/**
 * With a bus in memory (`bus.engine: process`) a process must have its database to itself: clients of another one would not hear
 * what this one relays, and nobody would notice. Which process that is, a lease says; any other is not ready, says so in its
 * log, and takes over when the first ends.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Leases, Lifecycle, Log } from '@conclave/platform';
import type { ReadinessCheck } from '../health/health-routes.ts';
import { runInOneProcess } from '../jobs/run-in-one-process.ts';

export interface LoneProcessDeps {
  /** Of everything that uses the database. */
  readonly leases: Leases;
  readonly lifecycle: Lifecycle;
  readonly log: Log;
}

/** What a free lease may take at most; then the process starts, and is not ready. */
const patienceMs = 1_000;

const advice =
  'another process uses this database, and with bus.engine "process" neither hears what the other relays: ' +
  'stop one of them, or set bus.engine to "nats"';

export async function beLoneProcess({ leases, lifecycle, log }: LoneProcessDeps): Promise<ReadinessCheck> {
  let isAlone = false;
  const first = Promise.withResolvers<void>();
  const start = () => {
    isAlone = true;
    first.resolve();
    return {
      async close() {
        isAlone = false;
      },
    };
  };
  lifecycle.run('lone process', (signal) =>
    runInOneProcess({ leases, lease: 'bus in memory', start, signal, log }),
  );
  await Promise.race([first.promise, sleep(patienceMs, undefined, { ref: false })]);
  if (!isAlone) log.error({}, advice);
  return {
    name: 'bus',
    async run() {
      if (!isAlone) throw new Error(advice);
    },
  };
}
