/**
 * Metrics in Prometheus' text format. Each process makes one `Metrics` and passes it down; nothing is registered
 * globally, so tests and several servers in one process do not collide.
 *
 * Label values come from small, closed sets (routes, codes), never from user data: each new value is a new series
 * for ever, and would carry identifiers out of the database.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

export interface Metrics {
  /** Counts events. Prometheus' convention: the name ends in `_total`. */
  counter<L extends string = never>(name: string, help: string, labels?: readonly L[]): Counter<L>;
  /** Set by the code that knows the value. */
  gauge<L extends string = never>(name: string, help: string, labels?: readonly L[]): Gauge<L>;
  /** Read when the metrics are asked for. `read` must be cheap; if it rejects, so does `exposition`. */
  observe(name: string, help: string, read: () => number | Promise<number>): void;
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
}

/** Upper bounds, in seconds, that tell a commit (sub-millisecond) from a stuck dependency (seconds). */
export const DURATION_BUCKETS_S: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** @param options.process also report the process itself: memory, CPU, event-loop lag, garbage collection. */
export function createMetrics(options: { prefix?: string; process?: boolean } = {}): Metrics {
  const registry = new Registry();
  const prefix = options.prefix ?? 'conclave_';
  if (options.process === true) collectDefaultMetrics({ register: registry });
  const common = (name: string, help: string) => ({ name: `${prefix}${name}`, help, registers: [registry] });
  return {
    counter: (name, help, labels = []) => new Counter({ ...common(name, help), labelNames: [...labels] }),
    gauge: (name, help, labels = []) => new Gauge({ ...common(name, help), labelNames: [...labels] }),
    observe(name, help, read) {
      const gauge = new Gauge({
        name: `${prefix}${name}`,
        help,
        registers: [],
        async collect() {
          this.set(await read());
        },
      });
      registry.registerMetric(gauge);
    },
    histogram: (name, help, buckets, labels = []) =>
      new Histogram({ ...common(name, help), buckets: [...buckets], labelNames: [...labels] }),
    exposition: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
