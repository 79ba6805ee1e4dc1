/**
 * Leaving without a failed request. The load balancer has to look away first, and it only learns by asking.
 *
 *     SIGTERM                    drainMs / 2                  drainMs              + graceMs
 *     │ /ready: 503 stopping     │ real-time clients are told │ listener closes,   │
 *     │ requests are answered,   │ to reconnect, one after    │ running requests   │ rest is cut
 *     │ with Connection: close   │ the other                  │ end                │
 *
 * Real-time clients wait for the second half: told at once, they would come back to this same process, which the load
 * balancer still knows as good. So drainMs is at least twice what the load balancer needs to notice.
 */
import type { Gateway } from '@conclave/gateway';
import type { Clock } from '@conclave/platform';

export interface DrainDeps {
  readonly clock: Clock;
  /** 0: there is no load balancer to wait for. */
  readonly drainMs: number;
  /** None in processes without real-time clients. */
  readonly gateway: Pick<Gateway, 'drain'> | undefined;
}

/** Called when readiness fails already; resolves after `drainMs`, when the listener may close. */
export async function drain({ clock, drainMs, gateway }: DrainDeps): Promise<void> {
  if (drainMs === 0) return;
  const { promise: halfTime, resolve } = Promise.withResolvers<void>();
  const { promise: end, resolve: resolveEnd } = Promise.withResolvers<void>();
  clock.schedule(drainMs / 2, resolve);
  clock.schedule(drainMs, resolveEnd);
  await halfTime;
  await gateway?.drain(drainMs / 2);
  await end;
}
