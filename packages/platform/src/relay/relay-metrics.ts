import type { Counter } from 'prom-client';
import type { Metrics } from '../metrics/metrics.ts';
import type { OutboxTables } from '../outbox/outbox-table.ts';
import type { Store } from '../store/store.ts';
import type { KeyQueues } from './key-queues.ts';
import type { ShardTenures } from './shard-tenures.ts';

export interface RelayMetrics {
  readonly published: Counter;
  readonly refused: Counter;
  readonly parked: Counter;
  readonly loopErrors: Counter;
}

export function createRelayMetrics(
  metrics: Metrics,
  store: Store<OutboxTables>,
  queues: KeyQueues,
  tenures: ShardTenures,
): RelayMetrics {
  const count = async (table: 'outbox' | 'outbox_parked'): Promise<number> => {
    const { rows } = await store.db
      .selectFrom(table)
      .select((query) => query.fn.countAll<number | string>().as('rows'))
      .executeTakeFirstOrThrow();
    // PostgreSQL counts in 64 bits, which its client hands over as text.
    return Number(rows);
  };
  metrics.observe('outbox_pending', 'Outbox rows not yet acknowledged by the bus.', () => count('outbox'));
  metrics.observe('outbox_parked', 'Outbox rows that the bus kept refusing.', () => count('outbox_parked'));
  metrics.observe('relay_blocked_keys', 'Ordering keys that are backing off.', () => queues.blockedCount);
  metrics.observe('relay_shards', 'Shards of the outbox that this process relays.', () => tenures.size);
  return {
    published: metrics.counter('relay_published_total', 'Outbox rows acknowledged by the bus.'),
    refused: metrics.counter('relay_refused_total', 'Attempts to publish that failed.'),
    parked: metrics.counter('relay_parked_total', 'Outbox rows parked.'),
    loopErrors: metrics.counter('relay_errors_total', 'Times the relay could not use the store.'),
  };
}
