/**
 * The server API commands that a relay or a JetStream consumer hands over as bytes.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createManualClock } from './manual-clock.ts';
import { next, serveGateway, until, type Served } from './serve-gateway.ts';

function run(served: Served, method: string, payload: unknown): any {
  return served.gateway.handleCommand(Buffer.from(JSON.stringify({ method, payload })));
}

test('publish and broadcast deliver, answer with the position, and do a repeated idempotency key once', async () => {
  const clock = createManualClock();
  await using served = await serveGateway({ deps: { clock }, timings: { pingIntervalMs: 3_600_000 } });
  const client = served.client();
  const received: unknown[] = [];
  for (const channel of ['group:a', 'open:b']) {
    const sub = client.newSubscription(channel, served.subscription(channel));
    sub.on('publication', ({ data, tags }) => received.push([channel, data, tags]));
    sub.subscribe();
    if (channel === 'group:a') client.connect();
    await next(sub, 'subscribed');
  }
  const publish = { channel: 'group:a', data: { n: 1 }, tags: { k: 'v' }, idempotency_key: 'k1' };
  const first = run(served, 'publish', publish);
  expect(first).toEqual({ ok: true, result: { offset: 1, epoch: expect.any(String) } });
  expect(run(served, 'publish', publish)).toEqual(first);
  expect(run(served, 'publish', { ...publish, channel: 'open:b' })).toEqual({ ok: true, result: {} });
  clock.advance(301_000);
  expect(run(served, 'publish', publish).result.offset).toBe(2);
  expect(run(served, 'broadcast', { channels: ['group:a', 'nowhere:a'], b64data: btoa('[3]') })).toEqual({
    ok: true,
    result: {
      responses: [
        { result: { offset: 3, epoch: expect.any(String) } },
        { error: { code: 102, message: 'unknown channel' } },
      ],
    },
  });
  expect(run(served, 'publish', { channel: 'group:a', data: 4, skip_history: true })).toEqual({
    ok: true,
    result: {},
  });
  await until(() => received.length === 5);
  // Order is kept within a channel, not between channels.
  expect(received).toEqual([
    ['group:a', { n: 1 }, { k: 'v' }],
    ['group:a', { n: 1 }, { k: 'v' }],
    ['group:a', [3], undefined],
    ['group:a', 4, undefined],
    ['open:b', { n: 1 }, { k: 'v' }],
  ]);
});

test('history, history_remove, presence, channels and info tell the state', async () => {
  await using served = await serveGateway();
  const client = served.client('websocket', { getToken: () => served.connectionToken({ user: 'alice' }) });
  const sub = client.newSubscription('room:a', served.subscription('room:a', 'alice'));
  sub.subscribe();
  client.connect();
  await next(sub, 'subscribed');
  served.gateway.publish('group:a', 1);
  expect(run(served, 'history', { channel: 'group:a', limit: 10 }).result).toMatchObject({
    offset: 1,
    publications: [{ offset: 1 }],
  });
  expect(run(served, 'history_remove', { channel: 'group:a' })).toEqual({ ok: true, result: {} });
  expect(run(served, 'history', { channel: 'group:a', limit: 10 }).result).toMatchObject({
    offset: 1,
    publications: [],
  });
  expect(run(served, 'history', { channel: 'room:a' }).error.code).toBe(108);
  expect(Object.values<any>(run(served, 'presence', { channel: 'room:a' }).result.presence)).toMatchObject([
    { user: 'alice' },
  ]);
  expect(run(served, 'presence_stats', { channel: 'room:a' }).result).toEqual({
    num_clients: 1,
    num_users: 1,
  });
  expect(run(served, 'presence', { channel: 'group:a' }).error.code).toBe(108);
  expect(run(served, 'channels', {}).result).toEqual({ channels: { 'room:a': { num_clients: 1 } } });
  expect(run(served, 'info', {}).result.nodes).toMatchObject([
    { num_clients: 1, num_users: 1, num_channels: 1, num_subs: 1 },
  ]);
});

test('unsubscribe, refresh and disconnect act on users and clients', async () => {
  await using served = await serveGateway();
  const client = served.client('websocket', { getToken: () => served.connectionToken({ user: 'alice' }) });
  const sub = client.newSubscription('open:a');
  sub.subscribe();
  client.connect();
  await next(sub, 'subscribed');
  const resubscribing = next(sub, 'subscribing');
  expect(run(served, 'unsubscribe', { channel: 'open:a', code: 2500, reason: 'revoked' }).ok).toBe(true);
  expect(await resubscribing).toMatchObject({ code: 2500, reason: 'revoked' });
  await next(sub, 'subscribed');
  const unsubscribed = next(sub, 'unsubscribed');
  expect(run(served, 'unsubscribe', { user: 'alice' }).ok).toBe(true);
  expect(await unsubscribed).toMatchObject({ code: 2000 });
  const reconnecting = next(client, 'connecting');
  expect(run(served, 'refresh', { user: 'alice', expired: true }).ok).toBe(true);
  expect(await reconnecting).toMatchObject({ code: 3005 });
  await client.ready();
  expect(run(served, 'disconnect', { user: 'bob' }).ok).toBe(true);
  expect(served.gateway.stats().authenticated).toBe(1);
  expect(run(served, 'disconnect', { user: 'alice' }).ok).toBe(true);
  await until(() => served.gateway.stats().connections === 0);
});

test('a malformed command is an error value with a code', async () => {
  await using served = await serveGateway();
  for (const [method, payload, code] of [
    ['publish', {}, 107],
    ['publish', { channel: 'group:a' }, 107],
    ['publish', { channel: 7, data: 1 }, 107],
    ['publish', { channel: 'nowhere:a', data: 1 }, 102],
    ['publish', { channel: 'group:a', b64data: btoa('{') }, 107],
    ['publish', { channel: 'group:a', data: 'x'.repeat(300_000) }, 106],
    ['broadcast', { channels: 'group:a', data: 1 }, 107],
    ['unsubscribe', {}, 107],
    ['unsubscribe', { user: 'alice', code: 7 }, 107],
    ['disconnect', {}, 107],
    ['disconnect', { user: 'alice', disconnect: { code: 1000 } }, 107],
    ['disconnect', { user: 'alice', disconnect: { code: 4000, reason: 'x'.repeat(124) } }, 107],
    ['refresh', { user: 'alice', expire_at: -1 }, 107],
    ['history', { channel: 'group:a', since: { offset: -1, epoch: '' } }, 107],
    ['destroy', {}, 104],
    ['constructor', {}, 104],
    [undefined, {}, 107],
  ] as const) {
    expect({ method, ...run(served, method!, payload) }).toMatchObject({
      method,
      ok: false,
      error: { code },
    });
  }
  for (const text of ['', '{', '[]', 'null', '{"method":"publish","payload":[]}']) {
    expect(served.gateway.handleCommand(Buffer.from(text))).toMatchObject({
      ok: false,
      error: { code: 107 },
    });
  }
  expect(served.gateway.publish('group:a', undefined)).toMatchObject({ ok: false, error: { code: 107 } });
});

test('never throws, whatever the bytes are', async () => {
  await using served = await serveGateway();
  const methods = [
    'publish',
    'broadcast',
    'unsubscribe',
    'disconnect',
    'refresh',
    'history',
    'history_remove',
    'presence',
    'channels',
    'info',
  ];
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array(),
        fc.string().map((text) => Buffer.from(text)),
      ),
      (bytes) => {
        expect(served.gateway.handleCommand(bytes)).toHaveProperty('ok');
      },
    ),
  );
  const keys = fc.constantFrom(
    'channel',
    'channels',
    'data',
    'user',
    'client',
    'limit',
    'since',
    'tags',
    'disconnect',
    'code',
    'whitelist',
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...methods),
      fc.dictionary(keys, fc.oneof(fc.jsonValue(), fc.constant('group:a'))),
      (method, payload) => {
        expect(run(served, method, payload)).toHaveProperty('ok');
      },
    ),
    { numRuns: 300 },
  );
});
