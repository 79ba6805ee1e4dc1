/**
 * What becomes of a message at the end of its way: how long it took from acceptance to the sockets of its subscribers, and, if it
 * is traced, the last two spans of its trace.
 *
 *     accepted (database's clock) ─▶ … ─▶ bus receive ─▶ gateway: queued for n connections ─▶ end of turn: written to sockets
 *                                            └────────────── gateway deliver ──────────────────────────────┘
 *
 * Both ends are read by the database's clock, so that processes whose clocks disagree measure alike: the error is half of what
 * asking the database takes (store/database-clock.ts of @conclave/platform). Never negative: a message from the future took no
 * time.
 *
 * Once per publication, not per subscriber: ten thousand subscribers are a number in one span.
 */
import { DURATION_BUCKETS_S, type BusMessage, type Metrics, type Tracer } from '@conclave/platform';

export interface DeliveriesDeps {
  readonly metrics: Metrics;
  readonly tracer: Tracer;
  /** By the database's clock; undefined while it is not known, and nothing is measured then. */
  readonly databaseNowMs: () => number | undefined;
}

export interface Deliveries {
  /** The gateway says that it queued a publication for so many connections. */
  published(subscribers: number): void;
  /** Runs `hand`, which gives a message of the bus to the gateway. */
  deliver<T>(message: Pick<BusMessage, 'traceParent' | 'acceptedAtMs'>, hand: () => T): T;
}

export function createDeliveries({ metrics, tracer, databaseNowMs }: DeliveriesDeps): Deliveries {
  const seconds = metrics.histogram(
    'delivery_duration_seconds',
    'From the acceptance of a message, by the clock of the database, until it was written to the sockets of its subscribers here. Once per message that has any.',
    DURATION_BUCKETS_S,
  );
  /** Of the message that is being handed over. */
  let subscribers = 0;
  /** What is written to sockets at the end of this turn. */
  let waiting: (() => void)[] = [];

  /** The gateway writes in `setImmediate` too, and has asked for it first. */
  const afterWriting = (task: () => void): void => {
    waiting.push(task);
    if (waiting.length > 1) return;
    setImmediate(() => {
      const tasks = waiting;
      waiting = [];
      for (const run of tasks) run();
    });
  };

  return {
    published(count) {
      subscribers += count;
    },
    deliver({ traceParent, acceptedAtMs }, hand) {
      subscribers = 0;
      const receive = tracer.startSpan('bus receive', traceParent, { kind: 'consumer' });
      const span = tracer.startSpan('gateway deliver', receive?.traceParent);
      const result = hand();
      receive?.end();
      span?.set({ 'conclave.subscribers': subscribers });
      const isMeasured = subscribers > 0 && acceptedAtMs !== undefined;
      if (span === undefined && !isMeasured) return result;
      afterWriting(() => {
        span?.end();
        const nowMs = isMeasured ? databaseNowMs() : undefined;
        if (nowMs !== undefined && acceptedAtMs !== undefined) {
          seconds.observe(Math.max(0, nowMs - acceptedAtMs) / 1_000);
        }
      });
      return result;
    },
  };
}
