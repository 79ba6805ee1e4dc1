/**
 * Clients that are broken, hostile or slow: each costs itself its connection, and nobody else anything.
 */
import { once } from 'node:events';
import { request } from 'node:http';
import fc from 'fast-check';
import { WebSocket } from 'ws';
import { describe, expect, test } from 'vitest';
import { createManualClock } from './manual-clock.ts';
import { openRaw } from './raw-websocket.ts';
import { next, serveGateway, until, type Served } from './serve-gateway.ts';

const BAD_REQUEST = { code: 3501, reason: 'bad request' };

describe('a malformed frame', () => {
  test.each([
    ['no JSON', 'hello'],
    ['nothing', '\n'],
    ['an array', '[]'],
    ['a command without an id', '{"ping":{}}'],
    ['an id that is no integer', '{"id":1.5,"ping":{}}'],
    ['a negative id', '{"id":-1,"ping":{}}'],
    ['an unknown command', '{"id":2,"destroy":{}}'],
    ['a request that is no object', '{"id":2,"subscribe":"group:a"}'],
    ['a field of the wrong type', '{"id":2,"subscribe":{"channel":7}}'],
    ['a negative offset', '{"id":2,"subscribe":{"channel":"group:a","offset":-1}}'],
    ['a second connect', '{"id":2,"connect":{}}'],
    ['too many commands', '{"id":2,"ping":{}}\n'.repeat(513)],
    ['broken UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
  ])('(%s) ends the connection with 3501', async (_, frame) => {
    await using served = await serveGateway();
    using raw = await openRaw(served);
    await raw.connect();
    raw.socket.send(frame);
    expect(await raw.closed).toEqual(BAD_REQUEST);
  });

  test('before connect ends the connection too, and so does any other command', async () => {
    await using served = await serveGateway();
    using raw = await openRaw(served);
    raw.send({ id: 1, subscribe: { channel: 'group:a' } });
    expect(await raw.closed).toEqual(BAD_REQUEST);
  });

  test('larger than allowed ends the connection with 1009', async () => {
    await using served = await serveGateway({ limits: { maxFrameBytes: 1_024 } });
    using raw = await openRaw(served);
    await raw.connect();
    raw.socket.send('x'.repeat(2_000));
    expect((await raw.closed).code).toBe(1009);
    const post = { method: 'POST', body: 'x'.repeat(20_000) };
    expect((await fetch(`${served.url}/connection/http_stream`, post)).status).toBe(413);
    expect((await fetch(`${served.url}/connection/sse`, post)).status).toBe(413);
    expect((await fetch(`${served.url}/connection/uni_sse`, post)).status).toBe(413);
    expect((await fetch(`${served.url}/emulation`, post)).status).toBe(413);
    expect(served.gateway.stats().connections).toBe(0);
  });

  test('of any bytes, in either encoding, leaves the gateway serving others', async () => {
    await using served = await serveGateway();
    const witness = served.client();
    witness.connect();
    await next(witness, 'connected');
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom<string[]>([], ['centrifuge-protobuf']),
        fc.array(
          fc.oneof(
            fc.uint8Array({ maxLength: 64 }),
            fc.json().map((text) => Buffer.from(text)),
          ),
          { minLength: 1, maxLength: 4 },
        ),
        async (protocols, frames) => {
          const socket = new WebSocket(
            `${served.url.replace('http:', 'ws:')}/connection/websocket`,
            protocols,
          );
          await once(socket, 'open');
          for (const frame of frames) socket.send(frame);
          socket.close();
          await once(socket, 'close');
        },
      ),
      { numRuns: 60 },
    );
    const sub = witness.newSubscription('group:a', served.subscription('group:a'));
    sub.subscribe();
    await next(sub, 'subscribed');
    await until(() => served.gateway.stats().connections === 1);
    expect(witness.state).toBe('connected');
  });
});

describe('limits', () => {
  test('on channels answer with 106', async () => {
    await using served = await serveGateway({ limits: { maxChannelsPerConnection: 2 } });
    using raw = await openRaw(served);
    await raw.connect();
    for (const [id, channel, code] of [
      [2, 'open:a', undefined],
      [3, 'open:a', 105],
      [4, 'open:b', undefined],
      [5, 'open:c', 106],
    ] as const) {
      raw.send({ id, subscribe: { channel } });
      expect([id, (await raw.reply(id)).error?.code]).toEqual([id, code]);
    }
    raw.send({ id: 6, unsubscribe: { channel: 'open:a' } });
    raw.send({ id: 7, subscribe: { channel: 'open:c' } });
    expect(await raw.reply(7)).toHaveProperty('subscribe');
  });

  test('on the command rate answer with 111, and end the connection of who goes on', async () => {
    const clock = createManualClock();
    await using served = await serveGateway({
      deps: { clock },
      limits: { commandRatePerSecond: 1, commandBurst: 3 },
    });
    using raw = await openRaw(served);
    await raw.connect();
    raw.send({ id: 2, ping: {} }, { id: 3, ping: {} }, { id: 4, ping: {} });
    expect(await raw.reply(3)).toEqual({ id: 3, ping: {} });
    expect(await raw.reply(4)).toEqual({
      id: 4,
      error: { code: 111, message: 'too many requests', temporary: true },
    });
    clock.advance(1_000);
    raw.send({ id: 5, ping: {} });
    expect(await raw.reply(5)).toEqual({ id: 5, ping: {} });
    raw.send(...Array.from({ length: 10 }, () => ({})));
    expect(await raw.closed).toEqual({ code: 3013, reason: 'too many requests' });
  });

  test('on connections refuse the handshake, and a place is given back', async () => {
    await using served = await serveGateway({ limits: { maxConnectionsPerAddress: 1 } });
    const first = await openRaw(served);
    await expect(openRaw(served)).rejects.toThrow('429');
    expect((await fetch(`${served.url}/connection/http_stream`, { method: 'POST', body: '{}' })).status).toBe(
      429,
    );
    first.socket.close();
    await until(() => served.gateway.stats().connections === 0);
    using second = await openRaw(served);
    await second.connect();
  });

  test('on connections count by the address that the hook tells', async () => {
    let address = 0;
    const clientAddress = (): string => String((address += 1));
    await using served = await serveGateway({
      deps: { clientAddress },
      limits: { maxConnectionsPerAddress: 1 },
    });
    using first = await openRaw(served);
    using second = await openRaw(served);
    await Promise.all([first.connect(), second.connect()]);
    expect(served.gateway.stats().authenticated).toBe(2);
  });

  test('on time end a connection without a connect command with 3502', async () => {
    const clock = createManualClock();
    await using served = await serveGateway({ deps: { clock } });
    using raw = await openRaw(served);
    clock.advance(11_000);
    expect(await raw.closed).toEqual({ code: 3502, reason: 'stale' });
  });
});

describe('a client that stops reading', () => {
  test('is disconnected as slow, costs bounded memory, and delays nobody', async () => {
    const maxQueueBytes = 256 * 1024;
    const codes: number[] = [];
    await using served = await serveGateway({
      deps: { metrics: { connectionClosed: (_, code) => void codes.push(code) } },
      limits: { maxQueueBytes, maxHistoryReplyBytes: 64 * 1024, maxPublicationBytes: 64 * 1024 },
      timings: { closeGraceMs: 100 },
    });
    using slow = await openRaw(served);
    await slow.connect();
    slow.send({ id: 2, subscribe: { channel: 'open:a' } });
    await slow.reply(2);
    slow.socket.pause();
    const reader = served.client();
    const sub = reader.newSubscription('open:a');
    let received = 0;
    sub.on('publication', () => (received += 1));
    sub.subscribe();
    reader.connect();
    await next(sub, 'subscribed');
    const data = 'x'.repeat(16 * 1024);
    let sent = 0;
    let peak = 0;
    // The kernel's buffers take some megabytes before the gateway's queue grows.
    while (codes.length === 0) {
      served.gateway.publish('open:a', data);
      sent += 1;
      await until(() => received === sent);
      peak = Math.max(peak, served.gateway.stats().queuedBytes);
    }
    expect(codes).toEqual([3008]);
    expect(peak).toBeLessThanOrEqual(2 * maxQueueBytes);
    await until(() => served.gateway.stats().connections === 1);
    expect(reader.state).toBe('connected');
  });

  test.each(['http_stream', 'sse', 'uni_sse'])('is disconnected as slow over %s too', async (name) => {
    const codes: number[] = [];
    await using served = await serveGateway({
      deps: { metrics: { connectionClosed: (_, code) => void codes.push(code) } },
      limits: { maxQueueBytes: 256 * 1024, maxHistoryReplyBytes: 64 * 1024, maxPublicationBytes: 64 * 1024 },
      timings: { closeGraceMs: 100 },
    });
    const token = await served.connectionToken({ channels: ['open:a'] });
    const connect = name === 'uni_sse' ? { token } : { id: 1, connect: { token } };
    const stream = request(`${served.url}/connection/${name}`, { method: 'POST' });
    stream.on('error', () => {});
    stream.end(JSON.stringify(connect));
    await once(stream, 'response');
    await until(() => served.gateway.stats().subscriptions === 1);
    while (codes.length === 0) {
      served.gateway.publish('open:a', 'x'.repeat(16 * 1024));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(codes).toEqual([3008]);
    await until(() => served.gateway.stats().connections === 0);
    stream.destroy();
  });
});

describe('the origin of a page', () => {
  const tryOrigin = async (served: Served, origin: string): Promise<boolean> =>
    openRaw(served, { origin }).then(
      (raw) => {
        raw[Symbol.dispose]();
        return true;
      },
      () => false,
    );

  test('must be the same host or listed, on every transport', async () => {
    await using served = await serveGateway({ allowedOrigins: ['https://chat.example.org'] });
    expect(await tryOrigin(served, served.url)).toBe(true);
    expect(await tryOrigin(served, 'https://chat.example.org')).toBe(true);
    for (const origin of [
      'https://evil.example.org',
      'https://chat.example.org.evil',
      'null',
      'x',
      'http://chat.example.org',
    ]) {
      expect([origin, await tryOrigin(served, origin)]).toEqual([origin, false]);
    }
    for (const path of ['/connection/http_stream', '/connection/sse', '/connection/uni_sse', '/emulation']) {
      const refused = await fetch(served.url + path, {
        method: 'POST',
        headers: { origin: 'https://evil.example.org' },
      });
      expect([path, refused.status]).toEqual([path, 403]);
      const preflight = await fetch(served.url + path, {
        method: 'OPTIONS',
        headers: { origin: 'https://chat.example.org' },
      });
      expect(preflight.status).toBe(204);
      expect(preflight.headers.get('access-control-allow-origin')).toBe('https://chat.example.org');
    }
  });
});

describe('the emulation endpoint', () => {
  test('knows sessions while their stream lives, answers 404 for another node and 400 for nonsense', async () => {
    await using served = await serveGateway();
    const post = async (body: unknown): Promise<number> =>
      (await fetch(`${served.url}/emulation`, { method: 'POST', body: JSON.stringify(body) })).status;
    const aborter = new AbortController();
    const stream = await fetch(`${served.url}/connection/http_stream`, {
      method: 'POST',
      body: JSON.stringify({ id: 1, connect: { token: await served.connectionToken() } }),
      signal: aborter.signal,
    });
    const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
    const { session, node } = JSON.parse((await reader.read()).value!).connect;
    expect(await post({ session, node, data: '{"id":2,"subscribe":{"channel":"open:a"}}' })).toBe(204);
    expect(JSON.parse((await reader.read()).value!)).toEqual({ id: 2, subscribe: {} });
    expect(await post({ session: `${session}x`, node, data: '{"id":3,"ping":{}}' })).toBe(204);
    expect(await post({ session, node: 'another', data: '{"id":3,"ping":{}}' })).toBe(404);
    expect(await post({ session, node })).toBe(400);
    expect(await post('nonsense')).toBe(400);
    expect((await fetch(`${served.url}/emulation`)).status).toBe(405);
    expect(served.gateway.stats().subscriptions).toBe(1);
    aborter.abort();
    await until(() => served.gateway.stats().connections === 0);
    expect(await post({ session, node, data: '{"id":4,"ping":{}}' })).toBe(204);
  });

  test('ends a stream whose session sends a malformed command', async () => {
    await using served = await serveGateway();
    const stream = await fetch(`${served.url}/connection/http_stream`, {
      method: 'POST',
      body: JSON.stringify({ id: 1, connect: { token: await served.connectionToken() } }),
    });
    const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
    const { session, node } = JSON.parse((await reader.read()).value!).connect;
    await fetch(`${served.url}/emulation`, {
      method: 'POST',
      body: JSON.stringify({ session, node, data: '{' }),
    });
    expect(JSON.parse((await reader.read()).value!)).toEqual({ push: { disconnect: BAD_REQUEST } });
    expect((await reader.read()).done).toBe(true);
  });
});

describe('the log', () => {
  test('never has a token, a user, a session or a publication', async () => {
    const lines: string[] = [];
    const write = (fields: object, message: string): void =>
      void lines.push(message + JSON.stringify(fields));
    await using served = await serveGateway({ deps: { log: { debug: write, info: write, warn: write } } });
    const token = await served.connectionToken({ user: 'secret-user', channels: ['group:secret-channel'] });
    for (const transport of ['websocket', 'sse'] as const) {
      const client = served.client(transport, { token });
      client.connect();
      await next(client, 'connected');
      served.gateway.publish('group:secret-channel', 'secret-data');
      await next(client, 'publication');
      client.disconnect();
    }
    using raw = await openRaw(served);
    raw.send({ id: 1, connect: { token: `${token}x` } });
    await raw.closed;
    await until(() => served.gateway.stats().connections === 0);
    expect(lines.length).toBeGreaterThan(2);
    expect(lines.join('\n')).not.toMatch(/secret|eyJ/);
  });
});
