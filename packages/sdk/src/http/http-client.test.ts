import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSystemRandom } from '../random/system-random.ts';
import type { Clock } from '../time/clock.ts';
import { backoffDelayMs } from './backoff.ts';
import { createHttpClient, type HttpClient } from './http-client.ts';

/** Waits pass at once, and are written down. */
function createFastClock(): Clock & { waits: number[] } {
  const waits: number[] = [];
  return {
    waits,
    nowMs: () => 0,
    schedule(delayMs, task) {
      // Time limits of requests stay as they are; only waiting between tries is cut short.
      const isTimeLimit = delayMs === 20_000 || delayMs === 50;
      if (!isTimeLimit) waits.push(delayMs);
      const timer = setTimeout(task, isTimeLimit ? delayMs : 0);
      return { [Symbol.dispose]: () => clearTimeout(timer) };
    },
  };
}

describe('HTTP client', () => {
  let server: Server;
  let http: HttpClient;
  let clock: ReturnType<typeof createFastClock>;
  let requests: IncomingMessage[];
  let answer: (response: ServerResponse, count: number) => void;
  beforeEach(async () => {
    requests = [];
    server = createServer((request, response) => {
      requests.push(request);
      request.resume();
      answer(response, requests.length);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    clock = createFastClock();
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    http = createHttpClient({ server: url, clock, random: createSystemRandom() });
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const json = (response: ServerResponse, status: number, body: object): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };

  test('sends no credentials, cookie or referrer but the token that the request names', async () => {
    answer = (response) => json(response.setHeader('set-cookie', 'a=b'), 200, {});
    await http.requestJson({ method: 'POST', path: '/a', bearer: 'token' });
    await http.requestJson({ method: 'POST', path: '/b', query: { after: 3, limit: undefined } });
    expect(requests[0]!.headers.authorization).toBe('Bearer token');
    expect(requests[1]!.url).toBe('/b?after=3');
    for (const name of ['authorization', 'cookie', 'referer'])
      expect(requests[1]!.headers[name]).toBeUndefined();
  });

  test('carries the server’s code, status, wait and details through unchanged', async () => {
    answer = (response) => json(response, 409, { errcode: 'CONCLAVE_WRONG_EPOCH', error: 'late', epoch: 7 });
    await expect(http.request({ method: 'POST', path: '/' })).rejects.toMatchObject({
      code: 'CONCLAVE_WRONG_EPOCH',
      status: 409,
      message: 'late',
      details: { epoch: 7 },
    });
    expect(requests.length).toBe(1);
  });

  test('waits as long as a 429 asks, then tries again', async () => {
    answer = (response, count) =>
      count < 3
        ? json(response, 429, { errcode: 'M_LIMIT_EXCEEDED', error: '', retry_after_ms: 900 })
        : json(response, 200, { ok: 1 });
    expect(await http.requestJson({ method: 'GET', path: '/' })).toEqual({ ok: 1 });
    expect(clock.waits.length).toBe(2);
    for (const wait of clock.waits) expect(wait).toBeGreaterThanOrEqual(900);
  });

  test('gives up after the tries it may make, at once when the wait is too long or the server refuses', async () => {
    answer = (response) => json(response, 503, { errcode: 'CONCLAVE_STOPPING', error: '' });
    await expect(http.request({ method: 'GET', path: '/' })).rejects.toMatchObject({
      code: 'CONCLAVE_STOPPING',
    });
    expect(requests.length).toBe(4);
    answer = (response) => json(response, 429, { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: 60_000 });
    await expect(http.request({ method: 'GET', path: '/' })).rejects.toMatchObject({ retryAfterMs: 60_000 });
    expect(requests.length).toBe(5);
  });

  test('a connection that breaks is tried again, and is NETWORK in the end', async () => {
    answer = (response, count) => (count === 1 ? response.destroy() : json(response, 200, { ok: 1 }));
    expect(await http.requestJson({ method: 'GET', path: '/' })).toEqual({ ok: 1 });
    answer = (response) => response.destroy();
    await expect(http.request({ method: 'POST', path: '/', attempts: 1 })).rejects.toMatchObject({
      code: 'NETWORK',
    });
  });

  test('silence is TIMED_OUT, cancelling is ABORTED', async () => {
    answer = () => undefined;
    await expect(
      http.request({ method: 'GET', path: '/', timeoutMs: 50, attempts: 1 }),
    ).rejects.toMatchObject({
      code: 'TIMED_OUT',
    });
    const controller = new AbortController();
    const pending = http.request({ method: 'GET', path: '/', signal: controller.signal });
    controller.abort();
    await expect(pending).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(http.request({ method: 'GET', path: '/', signal: controller.signal })).rejects.toMatchObject(
      { code: 'ABORTED' },
    );
  });

  test('an answer that is too large, no JSON, or an error without a code is BAD_RESPONSE', async () => {
    answer = (response) => response.end('x'.repeat(200));
    await expect(http.request({ method: 'GET', path: '/', maxResponseBytes: 100 })).rejects.toMatchObject({
      code: 'BAD_RESPONSE',
    });
    await expect(http.requestJson({ method: 'GET', path: '/' })).rejects.toMatchObject({
      code: 'BAD_RESPONSE',
    });
    answer = (response) => response.writeHead(404).end('<h1>nothing here</h1>');
    await expect(http.request({ method: 'GET', path: '/' })).rejects.toMatchObject({
      code: 'BAD_RESPONSE',
      status: 404,
    });
  });

  test('back-off grows to its bound and is spread over the whole interval', () => {
    const random = { bytes: () => Uint8Array.of(255, 255, 255, 255) };
    const delays = [0, 1, 2, 3, 60].map((attempt) =>
      Math.ceil(backoffDelayMs(attempt, { baseMs: 100, maxMs: 700 }, random)),
    );
    expect(delays).toEqual([100, 200, 400, 700, 700]);
    expect(backoffDelayMs(3, { baseMs: 100, maxMs: 700 }, { bytes: () => new Uint8Array(4) })).toBe(0);
  });
});
