/**
 * With a bus in memory (`bus.engine: process`) a process must have its database to itself: clients of another one would not hear
 * what this one relays, and nobody would notice. Which process that is, a lease says; any other is not ready, says so in its
 * log, and takes over when the first ends.
 *
 * The same holds for attachments on a disk (`blobs.engine` or `blobs.previous: disk`) among processes that a bus connects: each
 * would have those that were uploaded to it. Only who answers or sweeps needs them.
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

/** What only one process may do, and what is to be done when there are two. */
interface Lonely {
  readonly lease: string;
  /** The name of the readiness check. */
  readonly check: string;
  readonly advice: string;
}

export const busInMemory: Lonely = {
  lease: 'bus in memory',
  check: 'bus',
  advice:
    'another process uses this database, and with bus.engine "process" neither hears what the other relays: ' +
    'stop one of them, or set bus.engine to "nats"',
};

export const attachmentsOnDisk: Lonely = {
  lease: 'attachments on a disk',
  check: 'attachments',
  advice:
    'another process keeps attachments on its disk, and neither has those of the other: ' +
    'give the roles api and jobs to one process, or set blobs.engine to "s3" (conclave migrate-blobs moves what is there)',
};

/** What a free lease may take at most; then the process starts, and is not ready. */
const patienceMs = 1_000;

export async function beLoneProcess(
  { leases, lifecycle, log }: LoneProcessDeps,
  { lease, check, advice }: Lonely,
): Promise<ReadinessCheck> {
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
  lifecycle.run(`lone process: ${lease}`, (signal) => runInOneProcess({ leases, lease, start, signal, log }));
  await Promise.race([first.promise, sleep(patienceMs, undefined, { ref: false })]);
  if (!isAlone) log.error({}, advice);
  return {
    name: check,
    async run() {
      if (!isAlone) throw new Error(advice);
    },
  };
}
