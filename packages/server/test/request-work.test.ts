/** What logs and traces say of a request, over real sockets; a receiver of OTLP stands in for a collector. */
import type { IncomingMessage } from 'node:http';
import {
  createLog,
  createMetrics,
  createTokenBucketLimiter,
  openOtelTracer,
  outsideWork,
  silentLog,
  systemClock,
  systemRandom,
} from '@conclave/platform';
import { startTraceCollector } from '@conclave/testkit/trace-collector';
import type { FastifyInstance } from 'fastify';
import { expect, onTestFinished, test } from 'vitest';
import { ApiError } from '../src/errors/api-error.ts';
import { createHttp, type HttpDeps } from '../src/http/create-http.ts';
import { parseConfig } from '../src/index.ts';

const callersTrace = '4bf92f3577b34da6a3ce929d0e0e4736';
const caller = `00-${callersTrace}-00f067aa0ba902b7-01`;

interface SetUp {
  readonly trustedProxies?: string[];
  readonly sampleRatio?: number;
  readonly addRoutes: (app: FastifyInstance, log: ReturnType<typeof createLog>) => void;
}

async function setUp({ trustedProxies = [], sampleRatio = 0, addRoutes }: SetUp) {
  const collector = await startTraceCollector();
  let text = '';
  const destination = { write: (line: string) => void (text += line) };
  const log = createLog({ level: 'debug', processId: 'p1', destination });
  const tracer = await openOtelTracer(
    { endpoint: collector.url, sampleRatio, serviceName: 'conclave', processId: 'p1', version: '1' },
    { random: systemRandom, log: silentLog, metrics: createMetrics() },
  );
  const limiter = createTokenBucketLimiter({ clock: systemClock, burst: 1_000, perSecond: 1_000 });
  const app = createHttp({
    listen: parseConfig({ listen: { trustedProxies } }).listen,
    log,
    tracer,
    random: systemRandom,
    limiters: { request: limiter } as unknown as HttpDeps['limiters'],
    isStopping: () => false,
    clientAddress: (request: IncomingMessage) => request.socket.remoteAddress ?? '',
  });
  addRoutes(app, log);
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  onTestFinished(async () => {
    await app.close();
    await tracer.close();
    await collector[Symbol.asyncDispose]();
  });
  return {
    url,
    lines: () =>
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    text: () => text,
    collect: async () => {
      await app.close();
      await tracer.close();
      return collector.spans;
    },
    sent: () => collector.text(),
  };
}

/** A body whose rest comes when its request has long been taken up. */
function inParts(): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async start(controller) {
      for (let part = 0; part < 3; part++) {
        controller.enqueue(new Uint8Array(3_000));
        await new Promise((resolve) => void setTimeout(resolve, 20));
      }
      controller.close();
    },
  });
}

const octets = { 'content-type': 'application/octet-stream' };
const eventLoopTurn = () => new Promise((resolve) => void setImmediate(resolve));

test('every line on behalf of a request carries its id, which the answer carries back, also after its body came', async () => {
  const { url, lines } = await setUp({
    addRoutes(app, log) {
      app.post<{ Params: { n: string } }>('/x/:n', async (request) => {
        log.info({ n: request.params.n }, 'before');
        await eventLoopTurn();
        outsideWork(() => log.info({}, 'of all requests'));
        log.child({ part: 'store' }).info({ n: request.params.n }, 'after');
        return {};
      });
    },
  });
  const idByN = new Map<string, string | null>();
  await Promise.all(
    Array.from({ length: 20 }, async (_, n) => {
      const { headers } = await fetch(`${url}/x/${n}`, {
        method: 'POST',
        headers: octets,
        body: inParts(),
        duplex: 'half',
      } as RequestInit);
      idByN.set(String(n), headers.get('x-request-id'));
    }),
  );
  expect(new Set(idByN.values()).size).toBe(20);
  const ofRequests = lines().filter(({ msg }) => msg === 'before' || msg === 'after');
  expect(ofRequests).toHaveLength(40);
  for (const line of ofRequests)
    expect(line).toMatchObject({ process: 'p1', requestId: idByN.get(String(line['n'])) });
  for (const line of lines().filter(({ msg }) => msg === 'of all requests'))
    expect(line).not.toHaveProperty('requestId');
  await expect.poll(() => lines().filter(({ msg }) => msg === 'request answered').length).toBe(20);
  const answered = lines().filter(({ msg }) => msg === 'request answered');
  expect(new Set(answered.map(({ requestId }) => requestId))).toEqual(new Set(idByN.values()));
});

test('an id from a trusted proxy is kept if it is well-formed; nobody else is asked', async () => {
  const addRoutes = (app: FastifyInstance) => void app.get('/x', () => ({}));
  const proxied = await setUp({ trustedProxies: ['loopback'], addRoutes });
  const direct = await setUp({ trustedProxies: ['10.0.0.0/8'], addRoutes });
  const ask = async ({ url }: { url: string }, id: string) => {
    const { headers } = await fetch(`${url}/x`, { headers: { 'x-request-id': id } });
    return headers.get('x-request-id');
  };
  for (const id of [
    'c0ffee00c0ffee00c0ffee00c0ffee00',
    '6a1f4f5e-2d0b-4c37-8f6d-0b1d2c3e4f50',
    'C0A80001:9C40_0A01:1F',
  ]) {
    expect(await ask(proxied, id)).toBe(id);
    expect(await ask(direct, id)).toMatch(/^[\w-]{12}$/);
  }
  for (const id of [
    'short',
    'x'.repeat(65),
    'with space in it',
    '{"a":"b"}aaaa',
    'ümlauts-ümlauts'.replaceAll('ü', '\u00fc'),
  ]) {
    const answered = await ask(proxied, id);
    expect(answered).toMatch(/^[\w-]{12}$/);
    expect(answered).not.toBe(id);
  }
});

test('a traced request is one span with its pattern, status and code, below its caller', async () => {
  const { url, lines, collect } = await setUp({
    addRoutes(app) {
      app.get('/fine/:id', async () => ({}));
      app.get('/refused/:id', async () => {
        throw new ApiError('M_FORBIDDEN', 'Not you');
      });
      app.get('/bug/:id', async () => {
        throw new Error('a bug');
      });
    },
  });
  for (const path of ['/fine/1', '/refused/1', '/bug/1', '/nowhere'])
    await fetch(url + path, { headers: { traceparent: caller } });
  await fetch(`${url}/fine/1`);
  await fetch(`${url}/fine/1`, { headers: { traceparent: 'nonsense' } });
  const spans = await collect();
  const seen = spans.map(({ name, parentSpanId, traceId, hasFailed, attributes }) => ({
    name,
    below: `${traceId}/${parentSpanId}`,
    status: attributes['http.response.status_code'],
    code: attributes['error.type'],
    hasFailed,
  }));
  const below = `${callersTrace}/00f067aa0ba902b7`;
  expect(seen).toEqual(
    expect.arrayContaining([
      { name: 'GET /fine/:id', below, status: 200, code: undefined, hasFailed: false },
      { name: 'GET /refused/:id', below, status: 403, code: 'M_FORBIDDEN', hasFailed: false },
      { name: 'GET /bug/:id', below, status: 500, code: 'M_UNKNOWN', hasFailed: true },
    ]),
  );
  expect(seen.filter(({ name }) => name === 'GET /fine/:id')).toHaveLength(1);
  expect(lines().find(({ msg }) => msg === 'a request met a bug')).toMatchObject({
    traceId: callersTrace,
    route: '/bug/:id',
  });
});

test('neither paths, queries, headers, bodies nor errors leave the server in spans, nor reach its log', async () => {
  const canary = (what: string) => `canary-${what}-5d1c`;
  const { url, collect, sent, text } = await setUp({
    sampleRatio: 1,
    addRoutes(app) {
      app.post('/x/:id', async () => {
        throw new Error('a bug', { cause: new Error('another') });
      });
    },
  });
  const answer = await fetch(`${url}/x/${canary('path')}?q=${canary('query')}`, {
    method: 'POST',
    headers: {
      ...octets,
      authorization: `Bearer ${canary('token')}`,
      cookie: canary('cookie'),
      'user-agent': canary('agent'),
      baggage: `a=${canary('baggage')}`,
      tracestate: `a=${canary('state')}`,
      traceparent: caller,
      'x-forwarded-for': canary('address'),
    },
    body: canary('body'),
  });
  expect(answer.status).toBe(500);
  expect(await collect()).toHaveLength(1);
  expect(`${sent()}${text()}`).toContain(callersTrace);
  expect(sent()).not.toContain('canary');
  expect(text()).not.toContain('canary');
});
