/**
 * Metrics in Prometheus' text format. Each process makes one `Metrics` and passes it down; nothing is registered
 * globally, so tests and several servers in one process do not collide.
 *
 * Label values come from small, closed sets (routes, codes), never from user data: each new value is a new series
 * for ever, and would carry identifiers out of the database.
 *
 * Names, help texts and labels stand as literals where the metric is made: docs/metrics.md is generated from those calls
 * (packages/server/scripts/read-metric-definitions.ts), and dashboards and alerts are checked against it.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

export interface Metrics {
  /** Counts events. Prometheus' convention: the name ends in `_total`. */
  counter<L extends string = never>(name: string, help: string, labels?: readonly L[]): Counter<L>;
  /** Set by the code that knows the value. */
  gauge<L extends string = never>(name: string, help: string, labels?: readonly L[]): Gauge<L>;
  /**
   * Read when the metrics are asked for. `read` must be cheap. `undefined` means that nothing is known: there is no sample then,
   * as when `read` fails or takes longer than `maxReadMs`, which `metrics_unread_total` counts: metrics are wanted most when
   * something is broken, and one broken dependency must not hide the rest.
   */
  observe(name: string, help: string, read: () => number | undefined | Promise<number | undefined>): void;
  /** The same for several series at once, told apart by `labels`. */
  observeEach<L extends string>(
    name: string,
    help: string,
    labels: readonly L[],
    read: () => Samples<L> | Promise<Samples<L>>,
  ): void;
  /** Distribution over `buckets` (upper bounds, ascending; see {@link DURATION_BUCKETS_S}). The unit ends the name. */
  histogram<L extends string = never>(
    name: string,
    help: string,
    buckets: readonly number[],
    labels?: readonly L[],
  ): Histogram<L>;
  /** Everything registered, as text. */
  exposition(): Promise<string>;
  /** The media type of `exposition`. */
  readonly contentType: string;
  /** What is registered, in the order of registration: for tests. */
  names(): string[];
}

export type Samples<L extends string> = Iterable<{
  readonly labels: Readonly<Record<L, string>>;
  readonly value: number;
}>;

/** Upper bounds, in seconds, that tell a commit (sub-millisecond) from a stuck dependency (seconds). */
export const DURATION_BUCKETS_S: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

export interface MetricsOptions {
  /** Begins every name; default `conclave_`. */
  readonly prefix?: string;
  /** Also report the process itself: memory, CPU, event-loop lag, garbage collection. */
  readonly process?: boolean;
  /** How long a value may take to be read; default 1,000. Prometheus itself waits ten seconds by default. */
  readonly maxReadMs?: number;
}

export function createMetrics(options: MetricsOptions = {}): Metrics {
  const registry = new Registry();
  const { prefix = 'conclave_', maxReadMs = 1_000 } = options;
  if (options.process === true) collectDefaultMetrics({ register: registry });
  const common = (name: string, help: string) => ({ name: `${prefix}${name}`, help, registers: [registry] });
  function observeEach<L extends string>(
    name: string,
    help: string,
    labels: readonly L[],
    read: () => Samples<L> | Promise<Samples<L>>,
  ): void {
    const readOnce = oneAtATime(read);
    const gauge = new Gauge({
      name: `${prefix}${name}`,
      help,
      registers: [],
      labelNames: [...labels],
      async collect() {
        const samples = await within(maxReadMs, readOnce);
        if (samples === undefined) unread.inc({ metric: name });
        // Without labels a reset means 0, which nobody has read.
        if (labels.length === 0) this.remove();
        else this.reset();
        for (const sample of samples ?? []) this.set(sample.labels, sample.value);
      },
    });
    registry.registerMetric(gauge);
  }

  const metrics: Metrics = {
    counter: (name, help, labels = []) => new Counter({ ...common(name, help), labelNames: [...labels] }),
    gauge: (name, help, labels = []) => new Gauge({ ...common(name, help), labelNames: [...labels] }),
    observe(name, help, read) {
      observeEach<never>(name, help, [], async () => {
        const value = await read();
        return value === undefined ? [] : [{ labels: {}, value }];
      });
    },
    observeEach,
    histogram: (name, help, buckets, labels = []) =>
      new Histogram({ ...common(name, help), buckets: [...buckets], labelNames: [...labels] }),
    exposition: () => registry.metrics(),
    contentType: registry.contentType,
    names: () => registry.getMetricsAsArray().map(({ name }) => name),
  };
  const unread = metrics.counter(
    'metrics_unread_total',
    'Times that the value of a metric could not be read when it was asked for.',
    ['metric'],
  );
  return metrics;
}

/** A read that hangs is not joined by another at every request for metrics: it is waited for. */
function oneAtATime<T>(read: () => T | Promise<T>): () => Promise<T | undefined> {
  let running: Promise<T | undefined> | undefined;
  return () => {
    running ??= settled(read).finally(() => {
      running = undefined;
    });
    return running;
  };
}

/** Undefined also if it is not done in time; what it answers later is dropped. */
async function within<T>(timeoutMs: number, read: () => Promise<T | undefined>): Promise<T | undefined> {
  const over = Promise.withResolvers<undefined>();
  const timer = setTimeout(over.resolve, timeoutMs, undefined);
  try {
    return await Promise.race([read(), over.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Never rejects: what is read tells its own troubles to the log. */
async function settled<T>(read: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch {
    return undefined;
  }
}
