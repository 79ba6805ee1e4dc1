import type { Metrics } from '../metrics/metrics.ts';
import type { Leases } from './leases.ts';

/** The same leases, counted: held by this process, and lost by it without having been given back. Names are not told. */
export function measureLeases(leases: Leases, metrics: Metrics): Leases {
  let held = 0;
  let waiting = 0;
  metrics.observe('leases_held', 'Leases that this process holds: shards of the outbox, jobs.', () => held);
  metrics.observe(
    'leases_waiting',
    'Leases that this process waits for, while others hold them.',
    () => waiting,
  );
  const lost = metrics.counter(
    'leases_lost_total',
    'Leases that ended without having been given back: by expiry, or with the connection to the database.',
  );
  return {
    async acquire(name, options) {
      waiting += 1;
      const lease = await leases.acquire(name, options).finally(() => {
        waiting -= 1;
      });
      let isReleased = false;
      held += 1;
      const ended = (): void => {
        held -= 1;
        if (!isReleased) lost.inc();
      };
      if (lease.lost.aborted) ended();
      else lease.lost.addEventListener('abort', ended, { once: true });
      return {
        name: lease.name,
        token: lease.token,
        lost: lease.lost,
        isHeld: () => lease.isHeld(),
        release() {
          isReleased = true;
          return lease.release();
        },
      };
    },
    list: () => leases.list(),
    close: () => leases.close(),
  };
}
