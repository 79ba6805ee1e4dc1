/**
 * What it costs that code knows the request it belongs to, and that nothing is traced:
 *
 *     node packages/platform/bench/work.ts
 *
 * A "request" here awaits ten times and nothing else, so the figures are the whole price and not a share of a real request's.
 * Rounds alternate, and the least of each kind counts: everything else that the machine does makes a round longer.
 */
import {
  createMetrics,
  currentTraceParent,
  noTracer,
  openOtelTracer,
  runWork,
  silentLog,
  systemRandom,
} from '@conclave/platform';

const requests = 100_000;
const rounds = 15;

async function request(): Promise<number> {
  let sum = 0;
  for (let step = 0; step < 10; step++) sum += await Promise.resolve(step);
  return sum;
}

/** The four stages of a request that ask whether they are traced. */
async function stagedRequest(tracer: typeof noTracer): Promise<number> {
  const spans = ['proof queue', 'proof verification', 'store write', 'store batch'].map((name) =>
    tracer.startSpan(name, currentTraceParent()),
  );
  const result = await request();
  for (const span of spans) span?.end();
  return result;
}

const tracer = await openOtelTracer(
  { endpoint: 'http://127.0.0.1:9', sampleRatio: 0, serviceName: 'bench', processId: 'bench', version: '0' },
  { random: systemRandom, log: silentLog, metrics: createMetrics() },
);

const kinds: Readonly<Record<string, () => Promise<unknown>>> = {
  plain: request,
  'as work': () => runWork({ requestId: 'abcdefghijkl' }, request),
  'as work, nothing traced': () => runWork({ requestId: 'abcdefghijkl' }, () => stagedRequest(noTracer)),
  'as work, traced at ratio 0': () => {
    const span = tracer.startTrace('request', undefined);
    return runWork({ requestId: 'abcdefghijkl', span }, () => stagedRequest(tracer));
  },
};

const leastNs = new Map<string, number>();
for (let round = 0; round < rounds; round++) {
  for (const [name, run] of Object.entries(kinds)) {
    const startedMs = performance.now();
    for (let count = 0; count < requests; count++) await run();
    const ns = ((performance.now() - startedMs) * 1e6) / requests;
    leastNs.set(name, Math.min(leastNs.get(name) ?? Infinity, ns));
  }
}
for (const [name, ns] of leastNs)
  process.stdout.write(`${name.padEnd(28)} ${ns.toFixed(0).padStart(6)} ns\n`);
await tracer.close();
