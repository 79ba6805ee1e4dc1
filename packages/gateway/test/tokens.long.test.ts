/**
 * Who may connect and subscribe, for how long, and which codes say no.
 */
import { SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { issueConnectionToken, issueSubscriptionToken } from '../src/index.ts';
import { createManualClock } from './manual-clock.ts';
import { openRaw } from './raw-websocket.ts';
import { next, serveGateway, systemClock, TOKEN_SECRET, until } from './serve-gateway.ts';

const OTHER_SECRET = new Uint8Array(32).fill(8);
const HOUR_MS = 3_600_000;

describe('a connection token', () => {
  test('that expired is refused with 109, and the client fetches another', async () => {
    await using served = await serveGateway();
    const expired = await served.connectionToken({ expiresAtMs: Date.now() - 60_000 });
    const client = served.client('websocket', { token: expired });
    const error = next(client, 'error');
    client.connect();
    expect(await error).toMatchObject({ type: 'connect', error: { code: 109, message: 'token expired' } });
    await next(client, 'connected');
  });

  test.each([
    [
      'signed with another key',
      () => issueConnectionToken(OTHER_SECRET, { user: '', expiresAtMs: Date.now() + HOUR_MS }),
    ],
    ['that is no token', async () => 'gibberish'],
    ['without a signature', async () => `${btoa('{"alg":"none"}')}.${btoa('{"sub":"eve"}')}.`],
    [
      'with a wrong kind of claim',
      () => new SignJWT({ channels: 'group:a' }).setProtectedHeader({ alg: 'HS256' }).sign(TOKEN_SECRET),
    ],
    [
      'signed with another algorithm',
      () => new SignJWT({}).setProtectedHeader({ alg: 'HS512' }).sign(new Uint8Array(64).fill(7)),
    ],
  ])('%s ends the connection for good with 3500', async (_, makeToken) => {
    await using served = await serveGateway();
    const token = await makeToken();
    const client = served.client('websocket', { token });
    const disconnected = next(client, 'disconnected');
    client.connect();
    expect(await disconnected).toEqual({ code: 3500, reason: 'invalid token' });
  });

  test('for another audience or issuer is invalid where these are configured', async () => {
    await using served = await serveGateway({ tokenAudience: 'gateway', tokenIssuer: 'server' });
    const right = await served.connectionToken({ audience: 'gateway', issuer: 'server' });
    using accepted = await openRaw(served);
    expect(await accepted.connect(right)).toHaveProperty('connect.client');
    using refused = await openRaw(served);
    refused.send({
      id: 1,
      connect: { token: await served.connectionToken({ audience: 'gateway', issuer: 'eve' }) },
    });
    expect(await refused.closed).toEqual({ code: 3500, reason: 'invalid token' });
  });

  test('of an anonymous user, and none with an expiry, are both accepted', async () => {
    await using served = await serveGateway();
    using anonymous = await openRaw(served);
    expect((await anonymous.connect()).connect).toMatchObject({ expires: true, ping: 25, pong: true });
    using everlasting = await openRaw(served);
    const token = await new SignJWT({ sub: 'alice' }).setProtectedHeader({ alg: 'HS256' }).sign(TOKEN_SECRET);
    expect((await everlasting.connect(token)).connect).not.toHaveProperty('expires');
  });

  test('is refreshed by the client before it expires', async () => {
    await using served = await serveGateway();
    let issued = 0;
    const client = served.client('websocket', {
      getToken() {
        issued += 1;
        return served.connectionToken({ expiresAtMs: Date.now() + (issued === 1 ? 2_000 : HOUR_MS) });
      },
    });
    client.connect();
    const { client: clientId } = await next<{ client: string }>(client, 'connected');
    await until(() => issued === 2);
    const info = await client.ready().then(() => clientId);
    expect(info).toBe(clientId);
    expect(served.gateway.stats().authenticated).toBe(1);
  });

  test('of another user does not refresh a connection', async () => {
    await using served = await serveGateway();
    using raw = await openRaw(served);
    await raw.connect(await served.connectionToken({ user: 'alice' }));
    raw.send({ id: 2, refresh: { token: await served.connectionToken({ user: 'alice' }) } });
    expect((await raw.reply(2)).refresh).toMatchObject({ expires: true, client: expect.any(String) });
    raw.send({ id: 3, refresh: { token: await served.connectionToken({ user: 'eve' }) } });
    expect(await raw.closed).toEqual({ code: 3500, reason: 'invalid token' });
  });

  test('that was not refreshed ends the connection with 3005 after the grace time, not before', async () => {
    const clock = createManualClock();
    await using served = await serveGateway({ deps: { clock }, timings: { pingIntervalMs: HOUR_MS } });
    using raw = await openRaw(served);
    await raw.connect(await served.connectionToken({ expiresAtMs: clock.nowMs() + 60_000 }));
    clock.advance(60_000 + 20_000);
    raw.send({ id: 2, ping: {} });
    expect(await raw.reply(2)).toEqual({ id: 2, ping: {} });
    clock.advance(6_000);
    expect(await raw.closed).toEqual({ code: 3005, reason: 'connection expired' });
  });

  test('needs a key of 32 bytes', async () => {
    const claims = { user: '', expiresAtMs: Date.now() };
    await expect(issueConnectionToken(new Uint8Array(16), claims)).rejects.toThrow('at least 32 bytes');
    await expect(serveGateway({ tokenSecret: new Uint8Array(31) })).rejects.toThrow('at least 32 bytes');
  });
});

describe('a subscription', () => {
  test('without a token is refused with 103, unless its namespace allows it', async () => {
    await using served = await serveGateway();
    const client = served.client();
    client.connect();
    const refused = client.newSubscription('group:a');
    refused.subscribe();
    expect(await next(refused, 'unsubscribed')).toMatchObject({ code: 103, reason: 'permission denied' });
    const allowed = client.newSubscription('open:a');
    allowed.subscribe();
    await next(allowed, 'subscribed');
  });

  test('with an invalid token is refused with 103', async () => {
    await using served = await serveGateway();
    const client = served.client();
    client.connect();
    const token = await issueSubscriptionToken(OTHER_SECRET, {
      user: '',
      channel: 'group:a',
      expiresAtMs: Date.now() + HOUR_MS,
    });
    const sub = client.newSubscription('group:a', { token });
    sub.subscribe();
    expect(await next(sub, 'unsubscribed')).toMatchObject({ code: 103 });
    expect(client.state).toBe('connected');
  });

  test('with an expired token is answered with 109, and the client fetches another', async () => {
    await using served = await serveGateway();
    const client = served.client();
    client.connect();
    const token = await served.subscriptionToken('group:a', { expiresAtMs: Date.now() - 60_000 });
    const sub = client.newSubscription('group:a', {
      token,
      minResubscribeDelay: 1,
      ...served.subscription('group:a'),
    });
    const error = next(sub, 'error');
    sub.subscribe();
    expect(await error).toMatchObject({ type: 'subscribe', error: { code: 109 } });
    await next(sub, 'subscribed');
  });

  test.each([
    ['another channel', 'group:b', {}],
    ['another user', 'group:a', { user: 'eve' }],
    ['another client', 'group:a', { client: 'another' }],
  ])('with a token for %s ends the connection with 3500', async (_, channel, claims) => {
    await using served = await serveGateway();
    const client = served.client();
    const token = await served.subscriptionToken(channel, claims);
    client.newSubscription('group:a', { token }).subscribe();
    client.connect();
    expect(await next(client, 'disconnected')).toEqual({ code: 3500, reason: 'invalid token' });
  });

  test('in an unknown namespace is refused with 102, and in a malformed one with 107', async () => {
    await using served = await serveGateway();
    const client = served.client();
    client.connect();
    for (const [channel, code] of [
      ['nowhere:a', 102],
      ['without-namespace', 102],
      ['group:ä', 107],
      [`group:${'a'.repeat(250)}`, 107],
    ] as const) {
      const sub = client.newSubscription(channel, served.subscription(channel));
      sub.subscribe();
      expect(await next(sub, 'unsubscribed')).toMatchObject({ channel, code });
    }
  });

  test('is refreshed by the client before its token expires', async () => {
    await using served = await serveGateway();
    const client = served.client();
    client.connect();
    let issued = 0;
    const sub = client.newSubscription('group:a', {
      getToken() {
        issued += 1;
        return served.subscriptionToken('group:a', {
          expiresAtMs: Date.now() + (issued === 1 ? 2_000 : HOUR_MS),
        });
      },
    });
    const states: string[] = [];
    sub.on('state', ({ newState }) => states.push(newState));
    sub.subscribe();
    await until(() => issued === 2);
    served.gateway.publish('group:a', 'after the refresh');
    await next(sub, 'publication');
    expect(states).toEqual(['subscribing', 'subscribed']);
  });

  test('that was not refreshed is ended with 2501 after the grace time', async () => {
    const clock = createManualClock();
    await using served = await serveGateway({ deps: { clock }, timings: { pingIntervalMs: HOUR_MS } });
    using raw = await openRaw(served);
    await raw.connect();
    const token = await served.subscriptionToken('group:a', { expiresAtMs: clock.nowMs() + 60_000 });
    raw.send({ id: 2, subscribe: { channel: 'group:a', token } });
    expect((await raw.reply(2)).subscribe).toMatchObject({ expires: true });
    clock.advance(60_000 + 20_000);
    expect(served.gateway.stats().subscriptions).toBe(1);
    clock.advance(6_000);
    expect(served.gateway.stats().subscriptions).toBe(0);
    await until(() => raw.messages.some((message) => message.includes('"unsubscribe":{"code":2501')));
  });

  test('refreshed with an expired token is ended with 2501, and the client subscribes again', async () => {
    await using served = await serveGateway();
    const client = served.client();
    client.connect();
    let issued = 0;
    const sub = client.newSubscription('group:a', {
      minResubscribeDelay: 1,
      getToken() {
        issued += 1;
        const ttlMs = issued === 1 ? 2_000 : issued === 2 ? -60_000 : HOUR_MS;
        return served.subscriptionToken('group:a', { expiresAtMs: systemClock.nowMs() + ttlMs });
      },
    });
    sub.subscribe();
    await next(sub, 'subscribed');
    expect(await next(sub, 'subscribing')).toMatchObject({ code: 2501, reason: 'subscription expired' });
    await next(sub, 'subscribed');
    expect(issued).toBe(3);
  });
});
