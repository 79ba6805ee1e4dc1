import { DURATION_BUCKETS_S, type Metrics } from '../../metrics/metrics.ts';
import { StoreError } from '../store-error.ts';
import type { UnitQueueDeps } from './unit-queue.ts';

/** Registers the store's metrics, named as those of the embedded store where they say the same. */
export function observeUnits(
  metrics: Metrics,
  read: {
    readonly queued: () => number;
    readonly reads: () => number;
    readonly connections: () => { readonly running: number; readonly idle: number };
    readonly maxConnections: number;
  },
): Pick<UnitQueueDeps, 'onUnit' | 'onRetry'> {
  metrics.observe('store_queued_units', 'Units of work waiting for their turn.', read.queued);
  metrics.observeEach(
    'store_connections',
    'Connections to PostgreSQL for units of work, by what they do. When none is idle and units wait, they are too few.',
    ['state'],
    () => Object.entries(read.connections()).map(([state, value]) => ({ labels: { state }, value })),
  );
  metrics.observe(
    'store_connections_limit',
    'Connections to PostgreSQL that this process may have, those for reading and listening included.',
    () => read.maxConnections,
  );
  metrics.observe('store_reads', 'Reads under way on PostgreSQL.', read.reads);
  const duration = metrics.histogram(
    'store_unit_duration_seconds',
    'Time from the submission of a unit of work to its end, durable or not.',
    DURATION_BUCKETS_S,
  );
  const units = metrics.counter('store_units_total', 'Units of work run, whatever their outcome.');
  const failures = metrics.counter(
    'store_failed_units_total',
    'Units of work that the database failed, not those that refused by themselves.',
    ['code'],
  );
  const retries = metrics.counter(
    'store_retries_total',
    'Attempts of units of work that were not the last.',
    ['reason'],
  );
  return {
    onUnit({ durationMs, error }) {
      duration.observe(durationMs / 1000);
      units.inc();
      if (error instanceof StoreError) failures.inc({ code: error.code });
    },
    onRetry: (reason) => retries.inc({ reason }),
  };
}
