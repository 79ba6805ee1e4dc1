/**
 * Whether this process's gateway hears the bus, as part of readiness. A gateway that is cut off from NATS takes sockets that hear
 * nothing, so the load balancer should look away; but when NATS itself is away nobody hears it, and a load balancer that
 * looked away from everybody would take requests away too. So a process is not ready only while _another one demonstrably hears the bus_:
 *
 *     hears the bus, and is served   ─▶ holds, or waits for, the lease "gateway hears the bus"
 *     silence for holdMs             ─▶ gives it back, and waits no longer
 *     silence for patienceMs         ─▶ not ready as long as somebody else holds it
 *     not ready for half of drainMs  ─▶ its clients are told to reconnect, over the second half: as when it stops
 *
 * The lease is in the database, which has to answer for readiness anyway and does not depend on NATS. It proves what it
 * says because patience is longer than anybody can hold it without hearing (T: NATS goes away for everybody):
 *
 *     T                           the last that its holder heard began before
 *     T + holdMs                  it gives the lease back; or it is stopped, or cut off from the database, and then
 *     T + holdMs + leaseMs        the database ends the lease
 *     T + patienceMs − tickMs     the first process that is not ready if somebody still holds it: nobody does
 *
 * What cannot be known (no lease can be read) leaves a process ready: then the database's own check fails.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { LeaseError, type Bus, type Clock, type Leases, type Lifecycle, type Log } from '@conclave/platform';
import type { ReadinessCheck } from '../health/health-routes.ts';
import { runInOneProcess } from '../jobs/run-in-one-process.ts';

export interface HearingWatchDeps {
  readonly bus: Pick<Bus, 'subscribe'>;
  /** Of all processes. */
  readonly leases: Leases;
  /** By which `leases` names this process. */
  readonly holder: string;
  /** How long a lease outlives a holder that is stopped. */
  readonly leaseMs: number;
  /** Whether the load balancer may send clients here: listening, and not stopping. Who is not served proves nothing. */
  readonly isServed: () => boolean;
  /** What a load balancer needs twice to look away; 0: there is none, and clients stay. */
  readonly drainMs: number;
  /** Tells clients to go elsewhere, one after the other within the time. */
  readonly drain: (periodMs: number) => Promise<void>;
  /** Of real time, like the engines. */
  readonly clock: Clock;
  readonly log: Log;
  readonly lifecycle: Lifecycle;
}

const lease = 'gateway hears the bus';
/** Nobody publishes on it. */
const subject = 'hearing';
const tickMs = 500;
const holdMs = 2_500;
/** `holdMs`, a tick until the last question and one until the last look at the lease, and as much again for timers that are late. */
const patienceBeyondLeaseMs = holdMs + 5 * tickMs;

const reason = 'the connection to the bus is lost, and another process still has it';

/** Begins to watch; the check rejects while this process is cut off and another one is not. */
export function watchHearing(deps: HearingWatchDeps): ReadinessCheck {
  const { bus, leases, holder, isServed, drainMs, clock, log, lifecycle } = deps;
  const patienceMs = deps.leaseMs + patienceBeyondLeaseMs;
  let heardAtMs = clock.monotonicMs();
  let asking: Promise<void> | undefined;
  let isOut = false;
  let drainAtMs = Infinity;
  let draining: Promise<void> | undefined;

  lifecycle.run('hearing the bus', async (signal) => {
    let claim: { readonly end: AbortController; readonly ended: Promise<void> } | undefined;
    let lastTickMs = clock.monotonicMs();
    while (!signal.aborted) {
      asking ??= ask().finally(() => (asking = undefined));
      const nowMs = clock.monotonicMs();
      const silentMs = nowMs - heardAtMs;
      const mayHold = isServed() && silentMs < holdMs;
      if (mayHold && claim === undefined) claim = makeClaim();
      if (!mayHold) {
        claim?.end.abort();
        claim = undefined;
      }
      // A process that was stopped itself has not asked: it looks once more before it judges.
      const wasStopped = nowMs - lastTickMs > 4 * tickMs;
      lastTickMs = nowMs;
      if (!wasStopped) decide(silentMs >= patienceMs && (await doesAnotherHear()));
      if (clock.monotonicMs() >= drainAtMs) {
        drainAtMs = Infinity;
        draining = deps.drain(drainMs / 2);
      }
      await sleep(tickMs, undefined, { signal }).catch(() => undefined);
    }
    claim?.end.abort();
    await Promise.all([claim?.ended, asking, draining]);
  });

  /** A round trip on the way that every subscription takes. The bus bounds it. */
  async function ask(): Promise<void> {
    const askedAtMs = clock.monotonicMs();
    try {
      const subscription = await bus.subscribe(subject, async () => {});
      heardAtMs = askedAtMs;
      await subscription[Symbol.asyncDispose]();
    } catch (err) {
      log.debug({ err }, 'the bus did not answer');
    }
  }

  function makeClaim() {
    const end = new AbortController();
    const start = () => ({ async close() {} });
    return { end, ended: runInOneProcess({ leases, lease, start, signal: end.signal, log }) };
  }

  async function doesAnotherHear(): Promise<boolean> {
    try {
      return (await leases.list()).some((held) => held.name === lease && held.holder !== holder);
    } catch (err) {
      if (!(err instanceof LeaseError)) throw err;
      log.debug({ err }, 'whether another process hears the bus is not known');
      return false;
    }
  }

  function decide(next: boolean): void {
    if (next === isOut) return;
    isOut = next;
    drainAtMs = next && drainMs > 0 ? clock.monotonicMs() + drainMs / 2 : Infinity;
    if (next) log.warn({}, `not ready: ${reason}`);
    else log.info({}, 'no longer cut off from the bus, or nobody else hears it either: ready');
  }

  return {
    name: 'bus',
    async run() {
      if (isOut) throw new Error(reason);
    },
  };
}
