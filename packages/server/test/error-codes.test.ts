/** Provokes every code of the registry, each over a real socket; the last test says which were forgotten. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { silentLog, StoreError, systemRandom, createTokenBucketLimiter, systemClock } from '@conclave/platform';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { httpErrorCodes, matrixErrorCodes, type ErrorCodeEntry } from '../src/errors/error-codes.ts';
import { createHttp } from '../src/http/create-http.ts';
import { parseConfig } from '../src/config/load-config.ts';
import { transferErrorCodes } from '../src/transfers/transfer-error-codes.ts';
import { ask, bearer, register, rowCounts, startTestServer, type TestServer } from './test-server.ts';

const v3 = '/_matrix/client/v3';
const declared: Record<string, ErrorCodeEntry> = { ...matrixErrorCodes, ...httpErrorCodes, ...transferErrorCodes };
const seen = new Set<string>();

/** Notes the code, and that it came with a status that the registry declares. */
function expectError({ status, body }: { status: number; body: any }, code: string): void {
  expect(body).toMatchObject({ errcode: code, error: expect.any(String) });
  expect(declared[code]?.statuses).toContain(status);
  seen.add(code);
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
    expectError(await post(`${v3}/register?kind=guest`, {}), 'M_FORBIDDEN');
    expectError(await ask(running.url, 'GET', `${v3}/account/whoami`), 'M_MISSING_TOKEN');
    expectError(await ask(running.url, 'GET', `${v3}/account/whoami`, undefined, bearer('x')), 'M_UNKNOWN_TOKEN');
    const auth = { type: 'm.login.registration_token', token: 'x' };
    expectError(await post(`${v3}/register`, { password: 'long enough', auth }), 'M_UNAUTHORIZED');
  });

  it('of bodies and parameters, none of which leaves a trace', async () => {
    const before = await rowCounts(running.server);
    for (const body of ['', '{', '"\ud800', 'nope', '{"a":1}x']) {
      expectError(await post(`${v3}/login`, body), 'M_NOT_JSON');
    }
    const notUtf8 = await fetch(`${running.url}${v3}/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: Uint8Array.of(0x22, 0xff, 0x22),
    });
    expectError({ status: notUtf8.status, body: await notUtf8.json() }, 'M_NOT_JSON');
    for (const body of ['[]', '"text"', '7', '{"type":7}', '{"type":"x","password":{}}']) {
      expectError(await post(`${v3}/login`, body), 'M_BAD_JSON');
    }
    expectError(await post(`${v3}/login`, {}), 'M_MISSING_PARAM');
    expectError(await ask(running.url, 'GET', `${v3}/register/available`), 'M_MISSING_PARAM');
    expectError(await post(`${v3}/register?kind=robot`, {}), 'M_INVALID_PARAM');
    expectError(await ask(running.url, 'GET', '/_conclave/%zz'), 'M_INVALID_PARAM');
    expectError(await post(`${v3}/login`, { type: 'x'.repeat(70_000) }), 'M_TOO_LARGE');
    expectError(await post(`/_conclave/transfer/v1/${'x'.repeat(1_100)}/read`, undefined), 'M_TOO_LARGE');
    expectError(await post(`${v3}/register`, { username: '!' }), 'M_INVALID_USERNAME');
    expectError(await post(`${v3}/register`, { username: 'ok', password: 'short' }), 'M_WEAK_PASSWORD');
    expectError(await post(`${v3}/register`, { username: 'ok', password: 'x'.repeat(600) }), 'M_WEAK_PASSWORD');
    expectError(await post(`${v3}/login`, { type: 'm.login.token' }), 'M_UNKNOWN');
    expect(await rowCounts(running.server)).toEqual(before);
  });

  it('of names that are taken', async () => {
    await using open = await startTestServer();
    await register(open.url, 'ada');
    expectError(await ask(open.url, 'GET', `${v3}/register/available?username=ada`), 'M_USER_IN_USE');
  });

  it('of routes', async () => {
    expectError(await ask(running.url, 'GET', '/nowhere'), 'M_UNRECOGNIZED');
    const wrongMethod = await ask(running.url, 'PUT', `${v3}/login`, {});
    expectError(wrongMethod, 'M_UNRECOGNIZED');
    expect([wrongMethod.status, wrongMethod.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST']);
    const octets = { 'content-type': 'text/plain' };
    expectError(await post('/_conclave/transfer/v1', 'x', octets), 'CONCLAVE_UNSUPPORTED_MEDIA_TYPE');
  });

  it('of limits', async () => {
    await post(`${v3}/refresh`, { refresh_token: 'x' });
    const limited = await post(`${v3}/refresh`, { refresh_token: 'x' });
    expectError(limited, 'M_LIMIT_EXCEEDED');
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('of broken HTTP', async () => {
    expectError(await raw('NOT HTTP\r\n\r\n'), 'CONCLAVE_BAD_HTTP');
    const header = `X-Long: ${'x'.repeat(20_000)}`;
    expectError(await raw(`GET / HTTP/1.1\r\nHost: x\r\n${header}\r\n\r\n`), 'CONCLAVE_HEADERS_TOO_LARGE');
  });

  it('of slow requests', async () => {
    await using slow = await startTestServer({ listen: { requestTimeoutMs: 200 } });
    const socket = connect(slow.server.port, '127.0.0.1');
    let answer = '';
    socket.setEncoding('utf8').on('data', (part: string) => (answer += part));
    socket.write('GET / HTTP/1.1\r\nHost:');
    await once(socket, 'close');
    expectError(
      { status: Number(answer.split(' ')[1]), body: JSON.parse(answer.split('\r\n\r\n')[1] ?? '') },
      'CONCLAVE_REQUEST_TIMEOUT',
    );
  });

  it('of transfers', async () => {
    const octets = { 'content-type': 'application/octet-stream' };
    expectError(await post('/_conclave/transfer/v1', '', octets), 'CONCLAVE_TRANSFER_EMPTY');
    expectError(await post('/_conclave/transfer/v1/AAAA/read', undefined), 'CONCLAVE_TRANSFER_GONE');
    const { body } = await post('/_conclave/transfer/v1', 'x'.repeat(100), octets);
    expectError(await post('/_conclave/transfer/v1', 'x', octets), 'CONCLAVE_TRANSFER_QUOTA');
    expect((await fetch(`${running.url}/_conclave/transfer/v1/${body.id}/read`, { method: 'POST' })).status).toBe(200);
  });

  it('of too much password work', async () => {
    await using busy = await startTestServer({ accounts: { hashConcurrency: 1, hashQueue: 1 } });
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        ask(busy.url, 'POST', `${v3}/login`, { type: 'm.login.password', user: `user${index}`, password: 'x' }),
      ),
    );
    const refused = answers.filter(({ status }) => status === 503);
    expect(refused.length).toBeGreaterThan(0);
    for (const answer of refused) expectError(answer, 'CONCLAVE_OVERLOADED');
    expect(answers.some(({ status }) => status === 403)).toBe(true);
  });

  it('of an unwilling database and a stopping server', async () => {
    // The store's own tests provoke these failures for real; here it is the answer that is looked at.
    const limiter = createTokenBucketLimiter({ clock: systemClock, burst: 100, perSecond: 100 });
    let stopping = false;
    const app = createHttp({
      listen: parseConfig({}).listen,
      log: silentLog,
      random: systemRandom,
      limiters: {
        login: limiter,
        registration: limiter,
        refresh: limiter,
        transferCreate: limiter,
        transferRead: limiter,
        request: limiter,
      },
      isStopping: () => stopping,
      clientAddress: () => '192.0.2.1',
    });
    for (const code of ['STORE_BUSY', 'STORE_CLOSED', 'STORE_FULL', 'STORE_UNAVAILABLE', 'STORE_UNIT_OVER'] as const) {
      app.get(`/${code}`, async () => {
        throw new StoreError(code, 'as asked');
      });
    }
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    try {
      expectError(await ask(url, 'GET', '/STORE_BUSY'), 'CONCLAVE_OVERLOADED');
      expectError(await ask(url, 'GET', '/STORE_CLOSED'), 'CONCLAVE_STOPPING');
      expectError(await ask(url, 'GET', '/STORE_FULL'), 'CONCLAVE_STORAGE_FULL');
      expectError(await ask(url, 'GET', '/STORE_UNAVAILABLE'), 'CONCLAVE_STORAGE_UNAVAILABLE');
      expectError(await ask(url, 'GET', '/STORE_UNIT_OVER'), 'M_UNKNOWN');
      stopping = true;
      const refused = await ask(url, 'GET', '/STORE_FULL');
      expectError(refused, 'CONCLAVE_STOPPING');
      expect(refused.headers.get('connection')).toBe('close');
    } finally {
      await app.close();
    }
  });

  it('of a bug tells a request id and nothing of the cause', async () => {
    failing = true;
    try {
      const answer = await post('/_conclave/transfer/v1', 'x', { 'content-type': 'application/octet-stream' });
      expectError(answer, 'M_UNKNOWN');
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
