/**
 * What the server does to connected clients, and what clients may ask for.
 */
import { describe, expect, test } from 'vitest';
import { createManualClock } from './manual-clock.ts';
import { openRaw } from './raw-websocket.ts';
import { next, serveGateway, TRANSPORTS, until } from './serve-gateway.ts';

describe('unsubscribing by the server', () => {
  test('with the default code ends the subscription; with 2500 the client subscribes again with a new token', async () => {
    await using served = await serveGateway();
    const client = served.client();
    let issued = 0;
    const sub = client.newSubscription('group:a', {
      getToken() {
        issued += 1;
        return served.subscriptionToken('group:a');
      },
    });
    sub.subscribe();
    client.connect();
    await next(sub, 'subscribed');
    const again = next(sub, 'subscribing');
    expect(served.gateway.unsubscribe('group:a', { code: 2502, reason: 'token revoked' })).toBe(1);
    expect(await again).toMatchObject({ code: 2502, reason: 'token revoked' });
    await next(sub, 'subscribed');
    expect(issued).toBe(2);
    const ended = next(sub, 'unsubscribed');
    expect(served.gateway.unsubscribe({ channel: 'group:a', user: '' })).toBe(1);
    expect(await ended).toMatchObject({ code: 2000, reason: 'server unsubscribe' });
    expect(served.gateway.unsubscribe('group:a')).toBe(0);
    expect(served.gateway.unsubscribe({})).toBe(0);
  });
});

describe('disconnecting by the server', () => {
  test.each(TRANSPORTS)(
    'with a terminal code ends the client over %s, another code makes it reconnect',
    async (transport) => {
      await using served = await serveGateway();
      const client = served.client(transport, { getToken: () => served.connectionToken({ user: 'alice' }) });
      client.connect();
      await next(client, 'connected');
      const reconnecting = next(client, 'connecting');
      expect(served.gateway.disconnect({ user: 'alice' }, { code: 3011, reason: 'force reconnect' })).toBe(1);
      expect(await reconnecting).toMatchObject({ code: 3011, reason: 'force reconnect' });
      await next(client, 'connected');
      const ended = next(client, 'disconnected');
      expect(served.gateway.disconnect({ user: 'alice' })).toBe(1);
      expect(await ended).toEqual({ code: 3503, reason: 'force disconnect' });
      expect(served.gateway.disconnect({})).toBe(0);
      const outOfRange = { code: 1000, reason: '' };
      expect(() => served.gateway.disconnect({ user: 'alice' }, outOfRange)).toThrow(RangeError);
      expect(() => served.gateway.unsubscribe('group:a', outOfRange)).toThrow(RangeError);
    },
  );

  test('on close tells 3001 over every transport, waits for the sockets, and takes nobody new', async () => {
    await using served = await serveGateway();
    const clients = TRANSPORTS.map((transport) => served.client(transport));
    for (const client of clients) client.connect();
    await Promise.all(clients.map((client) => client.ready()));
    const reasons = Promise.all(clients.map((client) => next(client, 'connecting')));
    await served.gateway.close();
    expect((await reasons).map(({ code }: { code: number }) => code)).toEqual(TRANSPORTS.map(() => 3001));
    expect(served.gateway.stats().connections).toBe(0);
    expect((await fetch(`${served.url}/connection/http_stream`, { method: 'POST', body: '{}' })).status).toBe(
      503,
    );
  });
});

describe('pings', () => {
  test.each(TRANSPORTS)('are answered by the client over %s, which stays connected', async (transport) => {
    await using served = await serveGateway({ timings: { pingIntervalMs: 40, pongTimeoutMs: 1_500 } });
    let pongs = 0;
    served.server.on('request', (request) => void (request.url === '/emulation' && (pongs += 1)));
    const client = served.client(transport);
    client.connect();
    await next(client, 'connected');
    const { gateway } = served;
    const before = Date.now();
    await until(() => (transport.startsWith('websocket') ? Date.now() - before > 400 : pongs > 4));
    expect(client.state).toBe('connected');
    expect(gateway.stats().authenticated).toBe(1);
  });

  test('that stay unanswered end the connection with 3012', async () => {
    const clock = createManualClock();
    await using served = await serveGateway({ deps: { clock } });
    using raw = await openRaw(served);
    await raw.connect();
    clock.advance(25_000);
    await until(() => raw.messages.includes('{}'));
    raw.send({});
    raw.send({ id: 2, ping: {} });
    await raw.reply(2);
    clock.advance(24_000);
    expect(served.gateway.stats().connections).toBe(1);
    clock.advance(9_000);
    expect(await raw.closed).toEqual({ code: 3012, reason: 'no pong' });
  });
});

describe('clients', () => {
  test('may not publish or call procedures, and a one-way message ends the connection', async () => {
    await using served = await serveGateway();
    const client = served.client();
    client.connect();
    const sub = client.newSubscription('group:a', served.subscription('group:a'));
    sub.subscribe();
    await next(sub, 'subscribed');
    await expect(sub.publish({ forged: true })).rejects.toMatchObject({ code: 103 });
    await expect(client.rpc('anything', {})).rejects.toMatchObject({ code: 103 });
    const disconnected = next(client, 'disconnected');
    await client.send({ one: 'way' });
    expect(await disconnected).toMatchObject({ code: 3508 });
  });

  test('see who is present, and who joins and leaves, where the namespace allows it', async () => {
    await using served = await serveGateway();
    const tokenOf = (user: string) => () => served.connectionToken({ user, info: { name: user } });
    const alice = served.client('websocket', { getToken: tokenOf('alice') });
    const bob = served.client('sse', { getToken: tokenOf('bob') });
    const heard: string[] = [];
    const aliceSub = alice.newSubscription('room:a', {
      joinLeave: true,
      ...served.subscription('room:a', 'alice'),
    });
    aliceSub.on('join', ({ info }) => heard.push(`join ${info.user}`));
    aliceSub.on('leave', ({ info }) => heard.push(`leave ${info.user}`));
    aliceSub.subscribe();
    alice.connect();
    await next(aliceSub, 'subscribed');
    const bobSub = bob.newSubscription('room:a', served.subscription('room:a', 'bob'));
    bobSub.subscribe();
    bob.connect();
    await next(bobSub, 'subscribed');
    const { clients } = await aliceSub.presence();
    expect(Object.values(clients).map(({ user, connInfo }) => [user, connInfo])).toEqual([
      ['alice', { name: 'alice' }],
      ['bob', { name: 'bob' }],
    ]);
    expect(await bobSub.presenceStats()).toMatchObject({ numClients: 2, numUsers: 2 });
    bob.disconnect();
    await until(() => heard.length === 2);
    expect(heard).toEqual(['join bob', 'leave bob']);
    await expect(alice.presence('group:a')).rejects.toMatchObject({ code: 108 });
    await expect(alice.presence('room:b')).rejects.toMatchObject({ code: 103 });
  });

  test('get server-side subscriptions from their token, with recovery', async () => {
    await using served = await serveGateway();
    const client = served.client('websocket', {
      getToken: () => served.connectionToken({ user: 'alice', channels: ['personal:alice', 'group:a'] }),
    });
    const received: unknown[] = [];
    client.on('publication', ({ channel, data }) => received.push([channel, data]));
    client.connect();
    await next(client, 'connected');
    served.gateway.publish('personal:alice', 1);
    served.gateway.publish('group:a', 2);
    await until(() => received.length === 2);
    client.disconnect();
    served.gateway.publish('group:a', 3);
    client.connect();
    await until(() => received.length === 3);
    expect(received).toEqual([
      ['personal:alice', 1],
      ['group:a', 2],
      ['group:a', 3],
    ]);
  });
});

describe('the metrics hooks', () => {
  test('are told of connections, commands with their outcome, and publications', async () => {
    const told: unknown[] = [];
    await using served = await serveGateway({
      deps: {
        metrics: {
          connectionOpened: (transport) => void told.push(['opened', transport]),
          connectionClosed: (transport, code) => void told.push(['closed', transport, code]),
          commandHandled: (method, errorCode) => void told.push([method, errorCode]),
          published: (namespace, subscribers) => void told.push(['published', namespace, subscribers]),
        },
      },
    });
    const raw = await openRaw(served);
    await raw.connect();
    raw.send({ id: 2, subscribe: { channel: 'open:a' } }, { id: 3, rpc: {} });
    await raw.reply(3);
    served.gateway.publish('open:a', 1);
    raw.socket.close();
    await until(() => served.gateway.stats().connections === 0);
    expect(told).toEqual([
      ['opened', 'websocket'],
      ['connect', 0],
      ['subscribe', 0],
      ['rpc', 103],
      ['published', 'open', 1],
      ['closed', 'websocket', 3000],
    ]);
  });
});
