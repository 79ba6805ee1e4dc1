/**
 * Work that one process of the installation does at a time, whichever it is: what its lease says. A process that dies or is
 * stuck loses the lease, and another one goes on.
 *
 *   wait for the lease ─▶ start ─▶ lost, or closing ─▶ stop ─▶ release
 *        ▲                                                       │
 *        └───────────────────── lost ────────────────────────────┘
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lease, Leases, Log } from '@conclave/platform';

export interface OneProcessDeps {
  readonly leases: Leases;
  readonly lease: string;
  /** Begins the work. What it returns ends it, and waits for what runs. */
  readonly start: () => { close(): Promise<void> };
  readonly signal: AbortSignal;
  readonly log: Log;
}

/** After a lease could not be asked for, which is when the database is away. */
const restMs = 1_000;

/** Resolves when `signal` has fired and the work has ended. */
export async function runInOneProcess(deps: OneProcessDeps): Promise<void> {
  const { start, signal } = deps;
  while (!signal.aborted) {
    const lease = await acquired(deps);
    if (lease === undefined) continue;
    const work = start();
    await aborted(AbortSignal.any([lease.lost, signal]));
    await work.close();
    await lease.release();
  }
}

/** Undefined when `signal` fired first, or after a rest when there is nobody to ask. */
async function acquired({ leases, lease, signal, log }: OneProcessDeps): Promise<Lease | undefined> {
  try {
    return await leases.acquire(lease, { signal });
  } catch (err) {
    if (signal.aborted) return undefined;
    log.warn({ err, lease }, 'a lease cannot be asked for; it is tried again');
    await sleep(restMs, undefined, { signal }).catch(() => undefined);
    return undefined;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
