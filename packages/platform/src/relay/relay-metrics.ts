import type { Counter } from 'prom-client';
import { DURATION_BUCKETS_S, type Metrics } from '../metrics/metrics.ts';
import type { OutboxTables } from '../outbox/outbox-table.ts';
import { databaseNowMs } from '../store/database-clock.ts';
import type { Store } from '../store/store.ts';
import type { KeyQueues } from './key-queues.ts';

export interface RelayMetrics {
  /** The bus has acknowledged a row that was accepted then, by the database's clock. */
  readonly published: (acceptedAtMs: number | null) => void;
  readonly refused: Counter;
  readonly parked: Counter;
  readonly loopErrors: Counter;
}

export interface MeasuredRelay {
  readonly store: Store<OutboxTables>;
  readonly queues: KeyQueues;
  readonly shards: () => number;
  readonly publications: () => number;
  readonly databaseNowMs: () => number | undefined;
}

/** Counting goes no further: every process does it whenever it is asked, and a backlog is not the time for long scans. */
const maxCounted = 100_000;

export function createRelayMetrics(metrics: Metrics, relay: MeasuredRelay): RelayMetrics {
  const { store, queues } = relay;
  const count = async (table: 'outbox' | 'outbox_parked'): Promise<number> => {
    const { rows } = await store.db
      .selectFrom((query) => query.selectFrom(table).select('id').limit(maxCounted).as('some'))
      .select((query) => query.fn.countAll<number | string>().as('rows'))
      .executeTakeFirstOrThrow();
    // PostgreSQL counts in 64 bits, which its client hands over as text.
    return Number(rows);
  };
  /** By the database's clock at both ends. */
  const oldestAgeS = async (): Promise<number | undefined> => {
    const oldest = await store.db
      .selectFrom('outbox')
      .select(['accepted_at_ms', databaseNowMs(store.engine).as('now')])
      .orderBy('id')
      .limit(1)
      .executeTakeFirst();
    if (oldest === undefined) return 0;
    if (oldest.accepted_at_ms === null) return undefined;
    return Math.max(0, oldest.now - oldest.accepted_at_ms) / 1_000;
  };
  metrics.observe(
    'outbox_pending',
    'Outbox rows not yet acknowledged by the bus, of all processes; counted up to 100,000.',
    () => count('outbox'),
  );
  metrics.observe(
    'outbox_oldest_age_seconds',
    'How long the oldest outbox row has waited, of all processes: how far delivery is behind acceptance.',
    oldestAgeS,
  );
  metrics.observe('outbox_parked', 'Outbox rows that the bus kept refusing; counted up to 100,000.', () =>
    count('outbox_parked'),
  );
  metrics.observe('relay_blocked_keys', 'Ordering keys that are backing off.', () => queues.blockedCount);
  metrics.observe(
    'relay_buffered_rows',
    'Outbox rows in memory that wait for their turn.',
    () => queues.bufferedRows,
  );
  metrics.observe(
    'relay_publications',
    'Publications that the bus has not answered yet.',
    relay.publications,
  );
  metrics.observe('relay_shards', 'Shards of the outbox that this process relays.', relay.shards);
  const publishedRows = metrics.counter('relay_published_total', 'Outbox rows acknowledged by the bus.');
  const delay = metrics.histogram(
    'relay_delay_seconds',
    'From the acceptance of an outbox row, by the clock of the database, until the bus acknowledged it.',
    DURATION_BUCKETS_S,
  );
  return {
    published(acceptedAtMs) {
      publishedRows.inc();
      const nowMs = acceptedAtMs === null ? undefined : relay.databaseNowMs();
      if (nowMs !== undefined && acceptedAtMs !== null)
        delay.observe(Math.max(0, nowMs - acceptedAtMs) / 1_000);
    },
    refused: metrics.counter('relay_refused_total', 'Attempts to publish that failed.'),
    parked: metrics.counter('relay_parked_total', 'Outbox rows parked.'),
    loopErrors: metrics.counter('relay_errors_total', 'Times the relay could not use the store.'),
  };
}
