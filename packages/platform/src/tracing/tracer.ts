/**
 * The port to tracing: what one message went through, stage by stage, across processes. Two adapters: `noTracer`, the default,
 * and `openOtelTracer`, which is loaded only when `tracing.endpoint` is set.
 *
 *     POST …/frames ─┬─ verify: queue, work
 *                    └─ store message ─▶ outbox row.trace_parent ─▶ relay publish ─▶ bus header ─▶ bus receive ─▶ deliver
 *
 * Whether a request is traced is decided once, where it comes in. What is not traced has no span: `startTrace` and `startSpan`
 * answer `undefined`, callers write `span?.end()`, and a server that traces nothing pays a comparison per stage.
 *
 * Spans say which stage, how long, how many and with which code it ended. They never say of which group, user, device, address
 * or message: attributes are a closed list, and errors are named by their stable code only.
 */
import type { RandomSource } from '../random/random-source.ts';
import type { Log } from '../log/log.ts';
import type { Metrics } from '../metrics/metrics.ts';

/** Everything that a span may say. A new one is a decision about what leaves the server, so it is made here. */
export interface SpanAttributes {
  readonly 'http.request.method'?: string;
  /** The pattern, never the path. */
  readonly 'http.route'?: string;
  readonly 'http.response.status_code'?: number;
  /** A stable code. */
  readonly 'error.type'?: string;
  /** Which queue of the proof engine: express or main. */
  readonly 'conclave.proof.lane'?: string;
  /** Frames that were verified or written together. */
  readonly 'conclave.batch.size'?: number;
  /** How many times it was tried. */
  readonly 'conclave.attempts'?: number;
  /** How many connections a publication was queued for. */
  readonly 'conclave.subscribers'?: number;
  /** The name of a background job. */
  readonly 'conclave.job'?: string;
}

export interface SpanOptions {
  readonly kind?: 'internal' | 'server' | 'producer' | 'consumer';
  readonly attributes?: SpanAttributes;
  /** Trace parents of other work that this span did or waited for: the messages of one batch. */
  readonly links?: readonly string[];
  /** By `performance.now()`; default: now. */
  readonly startedAtMs?: number;
}

export interface Span {
  /** For those who go on with the work, in this process or another. */
  readonly traceParent: string;
  /** For log lines. */
  readonly traceId: string;
  set(attributes: SpanAttributes): void;
  /** It failed. `code` is a stable code, never a message. */
  fail(code: string): void;
  /** Once; what is said afterwards is ignored. @param endedAtMs by `performance.now()`; default: now. */
  end(endedAtMs?: number): void;
}

export interface Tracer {
  /**
   * The first span of work that comes from outside. `callerTraceParent` is whatever a header held: it is used only if it is
   * valid; a caller that says that it traces is believed as far as the budget for that goes, one that says that it does not
   * is always believed. Without one, the sample ratio decides.
   */
  startTrace(name: string, callerTraceParent: string | undefined, options?: SpanOptions): Span | undefined;
  /**
   * A stage of work that is traced already, below `parent`. Undefined without a parent, or with one that is not valid or not
   * sampled.
   */
  startSpan(name: string, parent: string | undefined, options?: SpanOptions): Span | undefined;
  /** Sends what has ended, within some seconds. Afterwards nothing is traced. Never rejects. */
  close(): Promise<void>;
}

export interface TracerSettings {
  /** OTLP over HTTP: the collector's origin, or the whole URL if it has a path. */
  readonly endpoint: string;
  /** The share of requests that are traced, from 0 to 1. */
  readonly sampleRatio: number;
  readonly serviceName: string;
  /** Distinguishes the processes of an installation. */
  readonly processId: string;
  readonly version: string;
}

export interface TracerDeps {
  readonly random: RandomSource;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Traces nothing. */
export const noTracer: Tracer = {
  startTrace: () => undefined,
  startSpan: () => undefined,
  close: () => Promise.resolve(),
};
