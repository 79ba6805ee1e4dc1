/** Provokes every code of the registry, each over a real socket; the last test says which were forgotten. */
import { once } from 'node:events';
import { connect } from 'node:net';
import {
  createTokenBucketLimiter,
  silentLog,
  StoreError,
  systemClock,
  systemRandom,
} from '@conclave/platform';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { httpErrorCodes, matrixErrorCodes, type ErrorCodeEntry } from '../src/errors/error-codes.ts';
import { createCentrifugoApi } from '../src/gateway/centrifugo-api.ts';
import { createHttp } from '../src/http/create-http.ts';
import { addGatewayRoutes, gatewayPaths } from '../src/operator/gateway-routes.ts';
import { parseConfig } from '../src/config/load-config.ts';
import { createRateLimiters } from '../src/server/rate-limiters.ts';
import { transferErrorCodes } from '../src/transfers/transfer-error-codes.ts';
import { ask, bearer, register, rowCounts, startTestServer, type TestServer } from './test-server.ts';

const v3 = '/_matrix/client/v3';
const declared: Record<string, ErrorCodeEntry> = {
  ...matrixErrorCodes,
  ...httpErrorCodes,
  ...transferErrorCodes,
};
const seen = new Set<string>();

/** The code of an answer, noted; it must come with a status that the registry declares for it. */
function noted({ status, body }: { status: number; body: any }): string {
  const code: string = body.errcode;
  if (declared[code]?.statuses.includes(status) !== true || typeof body.error !== 'string') {
    throw new Error(`undeclared answer: ${status} ${JSON.stringify(body)}`);
  }
  seen.add(code);
  return code;
}

describe('every error code', () => {
  let running: TestServer;
  let failing = false;

  beforeAll(async () => {
    running = await startTestServer(
      {
        accounts: { registration: 'token' },
        transfers: { maxBytes: 100, quotaBytes: 100 },
        rateLimits: { refresh: { burst: 1, perMinute: 1 } },
      },
      {
        random: {
          bytes(length) {
            if (failing && length === 16) throw new Error('the secret cause of a bug');
            return systemRandom.bytes(length);
          },
        },
      },
    );
  });
  afterAll(() => running[Symbol.asyncDispose]());

  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    ask(running.url, 'POST', path, body, headers);
  const raw = async (text: string): Promise<{ status: number; body: any }> => {
    const socket = connect(running.server.port, '127.0.0.1');
    let answer = '';
    socket.setEncoding('utf8').on('data', (part: string) => (answer += part));
    socket.write(text);
    await once(socket, 'close');
    return { status: Number(answer.split(' ')[1]), body: JSON.parse(answer.split('\r\n\r\n')[1] ?? '') };
  };

  it('of tokens and permissions', async () => {
    expect(noted(await post(`${v3}/register?kind=guest`, {}))).toBe('M_FORBIDDEN');
    expect(noted(await ask(running.url, 'GET', `${v3}/account/whoami`))).toBe('M_MISSING_TOKEN');
    expect(noted(await ask(running.url, 'GET', `${v3}/account/whoami`, undefined, bearer('x')))).toBe(
      'M_UNKNOWN_TOKEN',
    );
    const auth = { type: 'm.login.registration_token', token: 'x' };
    expect(noted(await post(`${v3}/register`, { password: 'long enough', auth }))).toBe('M_UNAUTHORIZED');
  });

  it('of bodies and parameters, none of which leaves a trace', async () => {
    const before = await rowCounts(running.server);
    for (const body of ['', '{', '"\ud800', 'nope', '{"a":1}x']) {
      expect(noted(await post(`${v3}/login`, body))).toBe('M_NOT_JSON');
    }
    const notUtf8 = await fetch(`${running.url}${v3}/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: Uint8Array.of(0x22, 0xff, 0x22),
    });
    expect(noted({ status: notUtf8.status, body: await notUtf8.json() })).toBe('M_NOT_JSON');
    for (const body of ['[]', '"text"', '7', '{"type":7}', '{"type":"x","password":{}}']) {
      expect(noted(await post(`${v3}/login`, body))).toBe('M_BAD_JSON');
    }
    expect(noted(await post(`${v3}/login`, {}))).toBe('M_MISSING_PARAM');
    expect(noted(await ask(running.url, 'GET', `${v3}/register/available`))).toBe('M_MISSING_PARAM');
    expect(noted(await post(`${v3}/register?kind=robot`, {}))).toBe('M_INVALID_PARAM');
    expect(noted(await ask(running.url, 'GET', '/_conclave/%zz'))).toBe('M_INVALID_PARAM');
    expect(noted(await post(`${v3}/login`, { type: 'x'.repeat(70_000) }))).toBe('M_TOO_LARGE');
    expect(noted(await post(`/_conclave/transfer/v1/${'x'.repeat(1_100)}/read`, undefined))).toBe(
      'M_TOO_LARGE',
    );
    expect(noted(await post(`${v3}/register`, { username: '!' }))).toBe('M_INVALID_USERNAME');
    expect(noted(await post(`${v3}/register`, { username: 'ok', password: 'short' }))).toBe(
      'M_WEAK_PASSWORD',
    );
    expect(noted(await post(`${v3}/register`, { username: 'ok', password: 'x'.repeat(600) }))).toBe(
      'M_WEAK_PASSWORD',
    );
    expect(noted(await post(`${v3}/login`, { type: 'm.login.token' }))).toBe('M_UNKNOWN');
    expect(await rowCounts(running.server)).toEqual(before);
  });

  it('of names that are taken', async () => {
    await using open = await startTestServer();
    await register(open.url, 'ada');
    expect(noted(await ask(open.url, 'GET', `${v3}/register/available?username=ada`))).toBe('M_USER_IN_USE');
  });

  it('of routes', async () => {
    expect(noted(await ask(running.url, 'GET', '/nowhere'))).toBe('M_UNRECOGNIZED');
    const wrongMethod = await ask(running.url, 'PUT', `${v3}/login`, {});
    expect(noted(wrongMethod)).toBe('M_UNRECOGNIZED');
    expect([wrongMethod.status, wrongMethod.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST']);
    const octets = { 'content-type': 'text/plain' };
    expect(noted(await post('/_conclave/transfer/v1', 'x', octets))).toBe('CONCLAVE_UNSUPPORTED_MEDIA_TYPE');
  });

  it('of limits', async () => {
    await post(`${v3}/refresh`, { refresh_token: 'x' });
    const limited = await post(`${v3}/refresh`, { refresh_token: 'x' });
    expect(noted(limited)).toBe('M_LIMIT_EXCEEDED');
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('of broken HTTP', async () => {
    expect(noted(await raw('NOT HTTP\r\n\r\n'))).toBe('CONCLAVE_BAD_HTTP');
    const header = `X-Long: ${'x'.repeat(20_000)}`;
    expect(noted(await raw(`GET / HTTP/1.1\r\nHost: x\r\n${header}\r\n\r\n`))).toBe(
      'CONCLAVE_HEADERS_TOO_LARGE',
    );
  });

  it('of slow requests', async () => {
    await using slow = await startTestServer({ listen: { requestTimeoutMs: 200 } });
    const socket = connect(slow.server.port, '127.0.0.1');
    let answer = '';
    socket.setEncoding('utf8').on('data', (part: string) => (answer += part));
    socket.write('GET / HTTP/1.1\r\nHost:');
    await once(socket, 'close');
    expect(
      noted({ status: Number(answer.split(' ')[1]), body: JSON.parse(answer.split('\r\n\r\n')[1] ?? '') }),
    ).toBe('CONCLAVE_REQUEST_TIMEOUT');
  });

  it('of transfers', async () => {
    const octets = { 'content-type': 'application/octet-stream' };
    expect(noted(await post('/_conclave/transfer/v1', '', octets))).toBe('CONCLAVE_TRANSFER_EMPTY');
    expect(noted(await post('/_conclave/transfer/v1/AAAA/read', undefined))).toBe('CONCLAVE_TRANSFER_GONE');
    const { body } = await post('/_conclave/transfer/v1', 'x'.repeat(100), octets);
    expect(noted(await post('/_conclave/transfer/v1', 'x', octets))).toBe('CONCLAVE_TRANSFER_QUOTA');
    expect(
      (await fetch(`${running.url}/_conclave/transfer/v1/${body.id}/read`, { method: 'POST' })).status,
    ).toBe(200);
  });

  it('of too much password work', async () => {
    await using busy = await startTestServer({ accounts: { hashConcurrency: 1, hashQueue: 1 } });
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        ask(busy.url, 'POST', `${v3}/login`, {
          type: 'm.login.password',
          user: `user${index}`,
          password: 'x',
        }),
      ),
    );
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    for (const answer of refused) expect(noted(answer)).toBe('CONCLAVE_OVERLOADED');
    expect(answers.some(({ status }) => status === 403)).toBe(true);
  });

  it('of an unwilling database and a stopping server', async () => {
    // The store's own tests provoke these failures for real; here it is the answer that is looked at.
    let stopping = false;
    const app = createHttp({
      listen: parseConfig({}).listen,
      log: silentLog,
      random: systemRandom,
      limiters: createRateLimiters(
        ({ burst, perSecond }) => createTokenBucketLimiter({ clock: systemClock, burst, perSecond }),
        parseConfig({}).rateLimits,
      ),
      isStopping: () => stopping,
      clientAddress: () => '192.0.2.1',
    });
    for (const code of [
      'STORE_BUSY',
      'STORE_CLOSED',
      'STORE_FULL',
      'STORE_READ_ONLY',
      'STORE_SCHEMA_NEWER',
      'STORE_UNAVAILABLE',
      'STORE_UNIT_OVER',
    ] as const) {
      app.get(`/${code}`, async () => {
        throw new StoreError(code, 'as asked');
      });
    }
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    try {
      expect(noted(await ask(url, 'GET', '/STORE_BUSY'))).toBe('CONCLAVE_OVERLOADED');
      expect(noted(await ask(url, 'GET', '/STORE_CLOSED'))).toBe('CONCLAVE_STOPPING');
      expect(noted(await ask(url, 'GET', '/STORE_FULL'))).toBe('CONCLAVE_STORAGE_FULL');
      expect(noted(await ask(url, 'GET', '/STORE_UNAVAILABLE'))).toBe('CONCLAVE_STORAGE_UNAVAILABLE');
      const readOnly = await ask(url, 'GET', '/STORE_READ_ONLY');
      expect(noted(readOnly)).toBe('CONCLAVE_READ_ONLY');
      expect(readOnly.headers.get('retry-after')).toBe('2');
      const outdated = await ask(url, 'GET', '/STORE_SCHEMA_NEWER');
      expect(noted(outdated)).toBe('CONCLAVE_STORAGE_UNAVAILABLE');
      expect(noted(await ask(url, 'GET', '/STORE_UNIT_OVER'))).toBe('M_UNKNOWN');
      stopping = true;
      const late = await ask(url, 'GET', '/STORE_FULL');
      expect(noted(late)).toBe('CONCLAVE_STORAGE_FULL');
      expect(late.headers.get('connection')).toBe('close');
    } finally {
      await app.close();
    }
  });

  it('of a Centrifugo that does not answer', async () => {
    const app = createHttp({
      listen: parseConfig({}).listen,
      log: silentLog,
      random: systemRandom,
      limiters: createRateLimiters(
        ({ burst, perSecond }) => createTokenBucketLimiter({ clock: systemClock, burst, perSecond }),
        parseConfig({}).rateLimits,
      ),
      isStopping: () => false,
      clientAddress: () => '192.0.2.1',
    });
    // Nobody listens there.
    const api = createCentrifugoApi({ apiUrl: 'http://127.0.0.1:9', apiKey: '', clock: systemClock });
    addGatewayRoutes(
      app,
      { onRequest: async () => {} },
      {
        describe: async () => ({ engine: 'centrifugo', nodes: await api.info() }),
        disconnectClient: (client) => api.disconnect({ user: '', client }),
      },
    );
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    try {
      expect(noted(await ask(url, 'GET', gatewayPaths.gateway))).toBe('CONCLAVE_GATEWAY_UNAVAILABLE');
    } finally {
      await app.close();
    }
  });

  it('of a bug tells a request id and nothing of the cause', async () => {
    failing = true;
    try {
      const answer = await post('/_conclave/transfer/v1', 'x', {
        'content-type': 'application/octet-stream',
      });
      expect(noted(answer)).toBe('M_UNKNOWN');
      expect(answer.status).toBe(500);
      expect(answer.body.request_id).toBe(answer.headers.get('x-request-id'));
      expect(JSON.stringify(answer.body)).not.toContain('secret cause');
    } finally {
      failing = false;
    }
  });

  it('was provoked above', () => {
    expect([...seen].sort()).toEqual(Object.keys(declared).sort());
  });
});
