/**
 * Tracing by OpenTelemetry's SDK, exported as OTLP over HTTP (JSON).
 *
 *     span.end() ─▶ bounded queue ─▶ a batch every second ─▶ POST …/v1/traces
 *                      │ full: dropped, counted                │ refused, unreachable: dropped, counted, logged once a minute
 *
 * Losing spans loses nothing else: no request waits for the collector. The SDK's ambient parts are not used: no global
 * provider, no detection of the machine (its host name and the process's arguments would be in every batch), no automatic
 * instrumentation (it would put paths and queries into attributes). The exporter does read `OTEL_EXPORTER_OTLP_HEADERS`, which
 * is how a collector that wants a credential gets it.
 */
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import type { Context, Link, Span as OtelSpan } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { AlwaysOnSampler, BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace';
import type { RandomSource } from '../random/random-source.ts';
import { createTraceBudget } from './trace-budget.ts';
import { formatTraceParent, parseTraceParent } from './trace-parent.ts';
import type { TraceParent } from './trace-parent.ts';
import type { Span, SpanAttributes, SpanOptions, Tracer, TracerDeps, TracerSettings } from './tracer.ts';

const maxQueuedSpans = 4_096;
const exportTimeoutMs = 5_000;
const exportEveryMs = 1_000;
const closeTimeoutMs = 3_000;
const logFailuresEveryMs = 60_000;
const maxLinks = 64;
/** What callers that trace their own requests may add to what the ratio chooses. */
const callersBudget = { burst: 100, perSecond: 10 };

const kindOf = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const;

/** The names of {@link SpanAttributes} once more, for what the type cannot see. */
const attributeNames: ReadonlySet<string> = new Set<keyof SpanAttributes>([
  'http.request.method',
  'http.route',
  'http.response.status_code',
  'error.type',
  'conclave.proof.lane',
  'conclave.batch.size',
  'conclave.attempts',
  'conclave.subscribers',
  'conclave.job',
]);

export function createOtelTracer(settings: TracerSettings, deps: TracerDeps): Tracer {
  const ids = createIds(deps.random);
  const exporter = watchExporter(
    new OTLPTraceExporter({ url: urlOf(settings.endpoint), timeoutMillis: exportTimeoutMs }),
    deps,
  );
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': settings.serviceName,
      'service.instance.id': settings.processId,
      'service.version': settings.version,
    }),
    // Decided here already: what is not sampled gets no span at all.
    sampler: new AlwaysOnSampler(),
    idGenerator: { generateTraceId: () => ids.hex(16), generateSpanId: () => ids.hex(8) },
    spanLimits: {
      attributeCountLimit: 16,
      attributeValueLengthLimit: 256,
      linkCountLimit: maxLinks,
      eventCountLimit: 0,
    },
    spanProcessors: [exporter],
  });
  const tracer = provider.getTracer('conclave', settings.version);
  const callers = createTraceBudget(callersBudget);
  let closing: Promise<void> | undefined;

  const start = (name: string, parent: TraceParent | undefined, options: SpanOptions): Span =>
    wrap(
      tracer.startSpan(
        name,
        {
          kind: kindOf[options.kind ?? 'internal'],
          startTime: options.startedAtMs ?? performance.now(),
          attributes: allowed(options.attributes ?? {}),
          links: linksOf(options.links ?? []),
        },
        parent === undefined ? ROOT_CONTEXT : contextOf(parent),
      ),
    );

  return {
    startTrace(name, callerTraceParent, options = {}) {
      if (closing !== undefined) return undefined;
      const caller = parseTraceParent(callerTraceParent);
      if (caller !== undefined && !caller.isSampled) return undefined;
      const isCallers = caller !== undefined && callers.take(performance.now());
      if (!isCallers && ids.fraction() >= settings.sampleRatio) return undefined;
      return start(name, caller, options);
    },
    startSpan(name, parentText, options = {}) {
      if (parentText === undefined || closing !== undefined) return undefined;
      const parent = parseTraceParent(parentText);
      return parent?.isSampled === true ? start(name, parent, options) : undefined;
    },
    async close() {
      closing ??= settleWithin(provider.shutdown(), closeTimeoutMs);
      await closing;
    },
  };
}

function wrap(span: OtelSpan): Span {
  const { traceId, spanId } = span.spanContext();
  return {
    traceId,
    traceParent: formatTraceParent({ traceId, spanId, isSampled: true }),
    set: (attributes) => void span.setAttributes(allowed(attributes)),
    fail(code) {
      span.setAttribute('error.type', code);
      span.setStatus({ code: SpanStatusCode.ERROR });
    },
    end: (endedAtMs) => span.end(endedAtMs ?? performance.now()),
  };
}

function allowed(attributes: SpanAttributes): Record<string, string | number> {
  const kept: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(attributes) as [string, string | number | undefined][]) {
    if (value !== undefined && attributeNames.has(name)) kept[name] = value;
  }
  return kept;
}

function contextOf({ traceId, spanId }: TraceParent): Context {
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: TraceFlags.SAMPLED,
    isRemote: true,
  });
}

function linksOf(traceParents: readonly string[]): Link[] {
  const links: Link[] = [];
  for (const text of traceParents.slice(0, maxLinks)) {
    const parent = parseTraceParent(text);
    if (parent === undefined) continue;
    links.push({
      context: { traceId: parent.traceId, spanId: parent.spanId, traceFlags: TraceFlags.SAMPLED },
    });
  }
  return links;
}

/** The queue in front of the exporter, with a bound of ours, so that what is dropped is counted. */
function watchExporter(exporter: SpanExporter, { log, metrics }: TracerDeps): SpanProcessor {
  const spans = metrics.counter(
    'tracing_spans_total',
    'Spans by what became of them: exported, failed (the collector did not take them), dropped (too many waited).',
    ['outcome'],
  );
  let waiting = 0;
  let loggedAtMs = -Infinity;
  const counting: SpanExporter = {
    export(batch, done) {
      exporter.export(batch, (result) => {
        waiting -= batch.length;
        const ok = result.error === undefined;
        spans.inc({ outcome: ok ? 'exported' : 'failed' }, batch.length);
        const nowMs = performance.now();
        if (!ok && nowMs - loggedAtMs >= logFailuresEveryMs) {
          loggedAtMs = nowMs;
          log.warn(
            { err: result.error, spans: batch.length },
            'the trace collector did not take spans; they are dropped',
          );
        }
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
  };
  const batches = new BatchSpanProcessor({
    exporter: counting,
    maxQueueSize: maxQueuedSpans,
    maxExportBatchSize: 512,
    scheduledDelayMillis: exportEveryMs,
    exportTimeoutMillis: 2 * exportTimeoutMs,
  });
  return {
    onStart: (span, context) => batches.onStart(span, context),
    onEnd(span) {
      if (waiting >= maxQueuedSpans) {
        spans.inc({ outcome: 'dropped' });
        return;
      }
      waiting += 1;
      batches.onEnd(span);
    },
    forceFlush: () => batches.forceFlush(),
    shutdown: () => batches.shutdown(),
  };
}

/** Ids and dice from one supply of random octets: asking the system for a few costs as much as asking it for thousands. */
function createIds(random: RandomSource): { hex: (octets: number) => string; fraction: () => number } {
  const supplyBytes = 4_096;
  let supply = Buffer.alloc(0);
  let next = 0;
  const take = (octets: number): number => {
    if (next + octets > supply.length) {
      supply = Buffer.from(random.bytes(supplyBytes));
      next = 0;
    }
    next += octets;
    return next - octets;
  };
  return {
    hex(octets) {
      const at = take(octets);
      const text = supply.toString('hex', at, at + octets);
      // All zero is invalid, and as likely as finding the same key twice; one digit is enough.
      return /^0+$/.test(text) ? text.replace(/0$/, '1') : text;
    },
    fraction() {
      const at = take(4);
      return supply.readUInt32BE(at) / 2 ** 32;
    },
  };
}

function urlOf(endpoint: string): string {
  const url = new URL(endpoint);
  if (url.pathname === '/') url.pathname = '/v1/traces';
  return url.href;
}

async function settleWithin(work: Promise<void>, timeoutMs: number): Promise<void> {
  const over = Promise.withResolvers<void>();
  const timer = setTimeout(over.resolve, timeoutMs);
  try {
    // A collector that is away at the end costs its last spans, which are counted.
    await Promise.race([work.catch(() => undefined), over.promise]);
  } finally {
    clearTimeout(timer);
  }
}
