/** Starting, listening, being watched, stopping; and the way of an event from the outbox to a real-time client. */
import { join } from 'node:path';
import { once } from 'node:events';
import { connect, createServer as createTcpServer } from 'node:net';
import { enqueueOutbox, StoreError, type Log } from '@conclave/platform';
import { issueConnectionToken, issueSubscriptionToken } from '@conclave/gateway';
import { Centrifuge } from 'centrifuge';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { ConfigError, createServer, ListenError, parseConfig } from '../src/index.ts';
import { gatewayTokenSecret, tokenKeyOf } from '../src/gateway/gateway-secrets.ts';
import { openServerSecrets } from '../src/secrets/server-secrets.ts';
import { systemRandom } from '@conclave/platform';
import { ask, bearer, register, startTestServer } from './test-server.ts';

describe('starting', () => {
  it('listens on every address of localhost', async () => {
    await using running = await startTestServer({ listen: { host: 'localhost', port: 0 } });
    const { server } = running;
    expect(server.url).toBe(`http://localhost:${server.port}`);
    for (const address of server.addresses) {
      const host = address.includes(':') ? `[${address}]` : address;
      expect((await ask(`http://${host}:${server.port}`, 'GET', '/health')).body).toEqual({ status: 'ok' });
    }
    expect(server.addresses).toContain('127.0.0.1');
  });

  it('says who has the port, and leaves nothing open', async () => {
    const other = createTcpServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    await expect(startTestServer({ listen: { host: '127.0.0.1', port } })).rejects.toThrow(ListenError);
    await expect(startTestServer({ listen: { host: '127.0.0.1', port } })).rejects.toThrow(
      'another program listens there already',
    );
    other.close();
  });

  it('refuses a data directory that another server has open, or that belongs to another name', async () => {
    await using running = await startTestServer();
    const { dataDirectory, server } = running;
    await expect(createServer(parseConfig({ dataDirectory }))).rejects.toMatchObject({
      code: 'STORE_IN_USE',
    });
    await expect(createServer(parseConfig({ dataDirectory }))).rejects.toThrow(StoreError);
    await server.close();
    await expect(createServer(parseConfig({ dataDirectory, serverName: 'other.example' }))).rejects.toThrow(
      ConfigError,
    );
    const again = await createServer(parseConfig({ dataDirectory, serverName: '127.0.0.1' }));
    await again.close();
  });

  it('keeps accounts, sessions and transfers from one run to the next', async () => {
    await using first = await startTestServer();
    const { access_token: token } = await register(first.url, 'ada');
    const created = await fetch(`${first.url}/_conclave/transfer/v1`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: 'kept',
    });
    const { id } = (await created.json()) as { id: string };
    await first.server.close();
    await using second = await startTestServer({ dataDirectory: first.dataDirectory });
    const whoami = await ask(
      second.url,
      'GET',
      '/_matrix/client/v3/account/whoami',
      undefined,
      bearer(token),
    );
    expect(whoami.body.user_id).toBe('@ada:127.0.0.1');
    const read = await fetch(`${second.url}/_conclave/transfer/v1/${id}/read`, { method: 'POST' });
    expect(await read.text()).toBe('kept');
  });
});

describe('being watched', () => {
  it('is healthy and ready, and tells its figures only to the operator listener', async () => {
    await using running = await startTestServer();
    const { url, adminUrl } = running;
    await register(url, 'ada');
    for (const origin of [url, adminUrl]) {
      expect((await ask(origin, 'GET', '/health')).body).toEqual({ status: 'ok' });
      expect((await ask(origin, 'GET', '/ready')).body).toEqual({ status: 'ready' });
    }
    expect((await fetch(`${url}/metrics`)).status).toBe(404);
    const metrics = await (await fetch(`${adminUrl}/metrics`)).text();
    expect(metrics).toContain(
      'conclave_http_request_duration_seconds_count{method="POST",route="/_matrix/client/v3/register",status="200"} 1',
    );
    expect(metrics).toMatch(/conclave_store_[a-z_]+_count [1-9]/);
    expect(metrics).toContain('conclave_gateway_connections 0');
    expect(metrics).not.toContain('ada');
  });

  it('is not ready when the database is gone', async () => {
    await using running = await startTestServer();
    await running.server.store.close();
    const { status, body } = await ask(running.url, 'GET', '/ready');
    expect([status, body]).toEqual([503, { status: 'not ready', failed: ['database'] }]);
    expect((await ask(running.url, 'GET', '/health')).status).toBe(200);
  });

  it('logs neither path, token, name, body nor address of a request', async () => {
    const lines: string[] = [];
    const write = (fields: unknown, message: string) => void lines.push(JSON.stringify([fields, message]));
    const log: Log = { debug: write, info: write, warn: write, error: write };
    await using running = await startTestServer({}, { log });
    const { access_token: token } = await register(running.url, 'ada-lovelace');
    await ask(running.url, 'GET', '/_matrix/client/v3/account/whoami?secret=query', undefined, bearer(token));
    await ask(running.url, 'POST', '/_conclave/transfer/v1/AN-ID-IN-THE-PATH/read');
    await running.server.close();
    const text = lines.join('\n');
    expect(text).toContain('/_conclave/transfer/v1/:id/read');
    for (const secret of [token, 'lovelace', 'secret', 'AN-ID-IN-THE-PATH', 'password of']) {
      expect(text).not.toContain(secret);
    }
    expect(lines.filter((line) => line.includes('request answered') && line.includes('127.0.0.1'))).toEqual(
      [],
    );
  });
});

describe('CORS', () => {
  const origin = 'https://app.example.org';
  const headersOf = async (url: string, path: string, from: string, method = 'GET') =>
    (await fetch(url + path, { method, headers: { origin: from, 'access-control-request-method': 'POST' } }))
      .headers;

  it('is open for Matrix routes, without credentials', async () => {
    await using running = await startTestServer();
    for (const method of ['GET', 'OPTIONS']) {
      const headers = await headersOf(running.url, '/_matrix/client/v3/login', origin, method);
      expect(headers.get('access-control-allow-origin')).toBe('*');
      expect(headers.get('access-control-allow-headers')).toContain('Authorization');
      expect(headers.get('access-control-allow-credentials')).toBeNull();
    }
    const error = await headersOf(running.url, '/_matrix/client/v3/account/whoami', origin);
    expect(error.get('access-control-allow-origin')).toBe('*');
  });

  it('is closed for our own routes, except to origins that the operator allows', async () => {
    await using closed = await startTestServer();
    const path = '/_conclave/transfer/v1';
    expect(
      (await headersOf(closed.url, path, origin, 'OPTIONS')).get('access-control-allow-origin'),
    ).toBeNull();
    await using open = await startTestServer({ listen: { allowedOrigins: [origin] } });
    const allowed = await headersOf(open.url, path, origin, 'OPTIONS');
    expect(allowed.get('access-control-allow-origin')).toBe(origin);
    expect(allowed.get('vary')).toBe('Origin');
    expect(allowed.get('access-control-expose-headers')).toContain('X-Conclave-Epoch');
    const other = await headersOf(open.url, path, 'https://evil.example', 'OPTIONS');
    expect(other.get('access-control-allow-origin')).toBeNull();
  });
});

describe('the gateway', () => {
  async function client(running: Awaited<ReturnType<typeof startTestServer>>, channel: string) {
    const secret = tokenKeyOf(
      gatewayTokenSecret(openServerSecrets(join(running.dataDirectory, 'secrets.json'), systemRandom)),
    );
    const expiresAtMs = Date.now() + 60_000;
    const centrifuge = new Centrifuge(`${running.url.replace('http', 'ws')}/connection/websocket`, {
      token: await issueConnectionToken(secret, { user: 'someone', expiresAtMs }),
      websocket: WebSocket,
    });
    const subscription = centrifuge.newSubscription(channel, {
      token: await issueSubscriptionToken(secret, { user: 'someone', channel, expiresAtMs }),
    });
    return { centrifuge, subscription };
  }

  it('delivers what a unit enqueued, once it is durable, in order', async () => {
    await using running = await startTestServer();
    const { centrifuge, subscription } = await client(running, 'group:abc.0');
    const received: unknown[] = [];
    const all = Promise.withResolvers<void>();
    subscription.on('publication', ({ data }) => {
      received.push(data.seq);
      if (received.length === 20) all.resolve();
    });
    const subscribed = new Promise((resolve) => subscription.on('subscribed', resolve));
    subscription.subscribe();
    centrifuge.connect();
    await subscribed;
    for (let seq = 1; seq <= 20; seq++) {
      await running.server.store.write((trx) =>
        enqueueOutbox(trx, {
          subject: 'events.group.abc',
          orderingKey: 'group:abc',
          messageId: `abc-${seq}`,
          payload: new TextEncoder().encode(
            JSON.stringify({ method: 'publish', payload: { channel: 'group:abc.0', data: { seq } } }),
          ),
        }),
      );
    }
    await all.promise;
    expect(received).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    centrifuge.disconnect();
  });

  it('is told to reconnect when the server stops', async () => {
    await using running = await startTestServer();
    const { centrifuge } = await client(running, 'group:abc.0');
    const connected = new Promise((resolve) => centrifuge.on('connected', resolve));
    centrifuge.connect();
    await connected;
    const interrupted = new Promise<number>((resolve) =>
      centrifuge.on('connecting', ({ code }) => resolve(code)),
    );
    await running.server.close();
    expect(await interrupted).toBe(3001);
    centrifuge.disconnect();
  });

  it('has no upgrade on other paths', async () => {
    await using running = await startTestServer();
    const socket = connect(running.server.port, '127.0.0.1');
    let answer = '';
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
    socket.write('GET /elsewhere HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    await once(socket, 'close');
    expect(answer).toMatch(/^HTTP\/1\.1 404 /);
    expect(answer).toContain('M_UNRECOGNIZED');
  });
});

describe('stopping', () => {
  it('lets a request that runs end, and refuses new ones', async () => {
    await using running = await startTestServer();
    const { port } = running.server;
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
    const head =
      'POST /_conclave/transfer/v1 HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n';
    socket.write(`${head}Content-Length: 4\r\n\r\nha`);
    // The hooks have run for this request when another one on its heels has been answered.
    await ask(running.url, 'GET', '/health');
    const stopped = running.server.close();
    socket.write('lf');
    await once(socket, 'close');
    expect(answer).toMatch(/^HTTP\/1\.1 201 /);
    expect(answer).toMatch(/connection: close/i);
    await stopped;
    await expect(fetch(`${running.url}/health`)).rejects.toThrow('fetch failed');
  });

  it('cuts a request that does not end within the grace time', async () => {
    await using running = await startTestServer({ shutdown: { graceMs: 50 } });
    const socket = connect(running.server.port, '127.0.0.1');
    const head =
      'POST /_conclave/transfer/v1 HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n';
    socket.resume().write(`${head}Content-Length: 4\r\n\r\nha`);
    await ask(running.url, 'GET', '/health');
    const closed = once(socket, 'close');
    await running.server.close();
    await closed;
    expect(socket.destroyed).toBe(true);
  });
});
