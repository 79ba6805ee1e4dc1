/** The adapter against a receiver of OTLP over HTTP: a stand-in for a collector, which decodes what comes. */
import { createLog, createMetrics, openOtelTracer, systemRandom, type Tracer } from '@conclave/platform';
import { startTraceCollector, type TraceCollector } from '@conclave/testkit/trace-collector';
import { expect, onTestFinished, test } from 'vitest';

const caller = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

async function setUp(sampleRatio = 1, endpoint?: string) {
  const collector = await startTraceCollector();
  const metrics = createMetrics({ prefix: '' });
  let logged = '';
  const log = createLog({ level: 'info', destination: { write: (line) => void (logged += line) } });
  const tracer = await openOtelTracer(
    {
      endpoint: endpoint ?? collector.url,
      sampleRatio,
      serviceName: 'conclave',
      processId: 'p1',
      version: '1.2.3',
    },
    { random: systemRandom, log, metrics },
  );
  onTestFinished(async () => {
    await tracer.close();
    await collector[Symbol.asyncDispose]();
  });
  return { collector, metrics, tracer, logged: () => logged };
}

/** Everything that was traced so far, sent and received. */
async function collect(tracer: Tracer, collector: TraceCollector) {
  await tracer.close();
  return collector.spans;
}

test('a trace is one id and a chain of parents, from a caller over stages to another process', async () => {
  const { collector, tracer } = await setUp();
  const request = tracer.startTrace('POST /x/:id', caller, {
    kind: 'server',
    attributes: { 'http.route': '/x/:id', 'http.response.status_code': 200 },
  })!;
  const store = tracer.startSpan('store', request.traceParent, { startedAtMs: performance.now() - 50 })!;
  store.end();
  request.end();
  const relay = tracer.startSpan('relay publish', store.traceParent, { kind: 'producer' })!;
  relay.fail('BUS_FULL');
  relay.end();

  const spans = await collect(tracer, collector);
  const [first, second, third] = ['POST /x/:id', 'store', 'relay publish'].map((name) =>
    spans.find((span) => span.name === name)!,
  );
  expect(spans).toHaveLength(3);
  expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set(['4bf92f3577b34da6a3ce929d0e0e4736']));
  expect([first, second, third].map((span) => span!.parentSpanId)).toEqual([
    '00f067aa0ba902b7',
    first!.spanId,
    second!.spanId,
  ]);
  expect(first!.attributes).toEqual({ 'http.route': '/x/:id', 'http.response.status_code': 200 });
  expect(first!.resource).toEqual({
    'service.name': 'conclave',
    'service.instance.id': 'p1',
    'service.version': '1.2.3',
  });
  expect(second!.endedAtNs - second!.startedAtNs).toBeGreaterThanOrEqual(50_000_000n);
  expect(third).toMatchObject({ hasFailed: true, attributes: { 'error.type': 'BUS_FULL' } });
});

test('without a caller the ratio decides, and what is not sampled has no span', async () => {
  const none = await setUp(0);
  expect(none.tracer.startTrace('request', undefined)).toBeUndefined();
  expect(none.tracer.startTrace('request', 'nonsense')).toBeUndefined();
  const half = await setUp(0.5);
  const traced = Array.from({ length: 4_000 }, () => half.tracer.startTrace('request', undefined)).filter(
    Boolean,
  );
  // Binomial: 10 standard deviations to either side.
  expect(traced.length).toBeGreaterThan(1_684);
  expect(traced.length).toBeLessThan(2_316);
  const all = await setUp(1);
  const fresh = all.tracer.startTrace('request', undefined)!;
  expect(fresh.traceParent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
});

test('a caller that says it does not trace is believed, one that says it does up to a bound', async () => {
  const { tracer } = await setUp(0);
  expect(tracer.startTrace('request', caller.replace(/01$/, '00'))).toBeUndefined();
  expect(tracer.startTrace('request', caller)?.traceId).toBe('4bf92f3577b34da6a3ce929d0e0e4736');
  const more = Array.from({ length: 1_000 }, () => tracer.startTrace('request', caller)).filter(Boolean);
  expect(more.length).toBeLessThan(500);
});

test('a stage without a parent, or below one that is not sampled, is not traced', async () => {
  const { tracer } = await setUp();
  for (const parent of [undefined, '', 'nonsense', caller.replace(/01$/, '00')]) {
    expect(tracer.startSpan('stage', parent)).toBeUndefined();
  }
});

test('spans link the work of others', async () => {
  const { collector, tracer } = await setUp();
  const [one, two] = [tracer.startTrace('one', undefined)!, tracer.startTrace('two', undefined)!];
  tracer.startSpan('batch', one.traceParent, { links: [two.traceParent, 'nonsense'] })!.end();
  const [batch] = await collect(tracer, collector);
  expect(batch?.links).toEqual([{ traceId: two.traceId, spanId: two.traceParent.split('-')[2] }]);
});

test('attributes that are not of the list, and the message of an error, are not sent', async () => {
  const { collector, tracer } = await setUp();
  const canary = 'canary-7f3a';
  const span = tracer.startTrace('request', undefined, { attributes: { [canary]: canary } as object })!;
  span.set({ 'http.url': canary, 'http.route': '/ok' } as object);
  span.end();
  const spans = await collect(tracer, collector);
  expect(spans.map(({ attributes }) => attributes)).toEqual([{ 'http.route': '/ok' }]);
  expect(collector.text()).not.toContain(canary);
});

test('a collector that refuses, or is not there, costs its spans, which are counted and logged once', async () => {
  const refusing = await setUp();
  refusing.collector.answerWith(400);
  for (let i = 0; i < 3; i++) refusing.tracer.startTrace('request', undefined)!.end();
  await refusing.tracer.close();
  expect(await refusing.metrics.exposition()).toContain('tracing_spans_total{outcome="failed"} 3');
  expect(refusing.logged().trim().split('\n')).toHaveLength(1);

  const absent = await setUp(1, 'http://127.0.0.1:9');
  absent.tracer.startTrace('request', undefined)!.end();
  await absent.tracer.close();
  expect(absent.tracer.startTrace('request', undefined)).toBeUndefined();
});

test('a collector that never answers holds up nobody, neither while spans are made nor at the end', async () => {
  const { collector, metrics, tracer } = await setUp();
  collector.answerWith('nothing');
  for (let i = 0; i < 5_000; i++) tracer.startTrace('request', undefined)!.end();
  await tracer.close();
  expect(tracer.startTrace('request', undefined)).toBeUndefined();
  // What does not fit into the queue is dropped, however long the answer is waited for.
  expect(await metrics.exposition()).toMatch(/tracing_spans_total\{outcome="dropped"} \d+/);
});

test('more spans than the queue holds are dropped and counted', async () => {
  const { metrics, tracer } = await setUp();
  for (let i = 0; i < 6_000; i++) tracer.startTrace('request', undefined)!.end();
  await tracer.close();
  const text = await metrics.exposition();
  const count = (outcome: string) => Number(new RegExp(`outcome="${outcome}"} (\\d+)`).exec(text)?.[1] ?? 0);
  expect(count('dropped')).toBeGreaterThan(0);
  expect(count('dropped') + count('exported') + count('failed')).toBe(6_000);
});
