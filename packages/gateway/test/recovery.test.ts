/**
 * What a client that was away gets when it returns: everything it missed, or the knowledge that it did not.
 */
import type { AddressInfo } from 'node:net';
import type { PublicationContext, SubscribedContext, Subscription } from 'centrifuge';
import { describe, expect, test } from 'vitest';
import { createManualClock } from './manual-clock.ts';
import { openRaw } from './raw-websocket.ts';
import { next, serveGateway, TRANSPORTS, until, type Served } from './serve-gateway.ts';

const GROUP = { group: { historySize: 5, historyTtlMs: 60_000, forceRecovery: true } };

async function subscribe(
  served: Served,
): Promise<{ sub: Subscription; received: number[]; client: ReturnType<Served['client']> }> {
  const client = served.client();
  const sub = client.newSubscription('group:a', served.subscription('group:a'));
  const received: number[] = [];
  sub.on('publication', ({ data }: PublicationContext) => received.push(data.n));
  sub.subscribe();
  client.connect();
  await next(sub, 'subscribed');
  return { sub, received, client };
}

describe('recovery', () => {
  test('brings every publication of an absence, once and in order', async () => {
    await using served = await serveGateway({ namespaces: GROUP });
    const { sub, received, client } = await subscribe(served);
    served.gateway.publish('group:a', { n: 1 });
    await until(() => received.length === 1);
    client.disconnect();
    for (const n of [2, 3, 4]) served.gateway.publish('group:a', { n });
    client.connect();
    expect(await next<SubscribedContext>(sub, 'subscribed')).toMatchObject({
      wasRecovering: true,
      recovered: true,
      positioned: true,
      recoverable: true,
      hasRecoveredPublications: true,
      streamPosition: { offset: 4 },
    });
    served.gateway.publish('group:a', { n: 5 });
    await until(() => received.length === 5);
    expect(received).toEqual([1, 2, 3, 4, 5]);
  });

  test('says so when the history does not reach back far enough', async () => {
    await using served = await serveGateway({ namespaces: GROUP });
    const { sub, received, client } = await subscribe(served);
    served.gateway.publish('group:a', { n: 1 });
    await until(() => received.length === 1);
    client.disconnect();
    for (let n = 2; n <= 8; n += 1) served.gateway.publish('group:a', { n });
    client.connect();
    expect(await next<SubscribedContext>(sub, 'subscribed')).toMatchObject({
      wasRecovering: true,
      recovered: false,
      hasRecoveredPublications: false,
      streamPosition: { offset: 8 },
    });
    expect(received).toEqual([1]);
  });

  test('says so when the publications have outlived their time', async () => {
    const clock = createManualClock();
    await using served = await serveGateway({ deps: { clock }, namespaces: GROUP });
    const { sub, received, client } = await subscribe(served);
    served.gateway.publish('group:a', { n: 1 });
    await until(() => received.length === 1);
    client.disconnect();
    served.gateway.publish('group:a', { n: 2 });
    clock.advance(61_000);
    expect(served.gateway.stats().historyBytes).toBe(0);
    client.connect();
    expect(await next<SubscribedContext>(sub, 'subscribed')).toMatchObject({
      wasRecovering: true,
      recovered: false,
    });
  });

  test('finds another epoch after the gateway was restarted, and is refused', async () => {
    const first = await serveGateway({ namespaces: GROUP });
    const { port } = first.server.address() as AddressInfo;
    const { sub, client } = await subscribe(first);
    first.gateway.publish('group:a', { n: 1 });
    await next(sub, 'publication');
    const connecting = next(client, 'connecting');
    const [, disconnection] = await Promise.all([first.gateway.close(), connecting]);
    expect(disconnection).toMatchObject({ code: 3001, reason: 'shutdown' });
    first.server.closeAllConnections();
    await new Promise((resolve) => first.server.close(resolve));

    await using second = await serveGateway({ namespaces: GROUP, port });
    const subscribed = next<SubscribedContext>(sub, 'subscribed');
    for (const n of [2, 3]) second.gateway.publish('group:a', { n });
    expect(await subscribed).toMatchObject({ wasRecovering: true, recovered: false });
    const publication = next<PublicationContext>(sub, 'publication');
    second.gateway.publish('group:a', { n: 4 });
    expect((await publication).data).toEqual({ n: 4 });
    client.disconnect();
  });

  test('of many channels at once is refused rather than making the client slow', async () => {
    const codes: number[] = [];
    await using served = await serveGateway({
      namespaces: { open: { historySize: 10, historyTtlMs: 60_000, subscribeWithoutToken: true } },
      deps: { metrics: { connectionClosed: (_, code) => void codes.push(code) } },
      limits: { maxQueueBytes: 300_000, maxHistoryReplyBytes: 100_000, maxPublicationBytes: 100_000 },
    });
    const channels = Array.from({ length: 20 }, (_, index) => `open:${index}`);
    for (const channel of channels) served.gateway.publish(channel, 'x'.repeat(50_000));
    using raw = await openRaw(served);
    await raw.connect();
    const subscribes = channels.map((channel, index) => ({
      id: index + 2,
      subscribe: { channel, recover: true, offset: 0, epoch: '' },
    }));
    raw.send(...subscribes);
    const last = await raw.reply(21);
    const first = await raw.reply(2);
    expect(first.subscribe).toMatchObject({ recovered: true, was_recovering: true });
    expect(last.subscribe).toMatchObject({ was_recovering: true, offset: 1 });
    expect(last.subscribe).not.toHaveProperty('recovered');
    expect(codes).toEqual([]);
  });

  test.each(TRANSPORTS)(
    'loses and repeats nothing while publications race with reconnects over %s',
    async (transport) => {
      await using served = await serveGateway({
        namespaces: { group: { historySize: 1_000, historyTtlMs: 60_000 } },
      });
      const client = served.client(transport);
      const sub = client.newSubscription('group:a', { recoverable: true, ...served.subscription('group:a') });
      const offsets: number[] = [];
      sub.on('publication', ({ offset }: PublicationContext) => offsets.push(offset!));
      sub.subscribe();
      client.connect();
      await next(sub, 'subscribed');
      const total = 200;
      for (let n = 1; n <= total; n += 1) {
        served.gateway.publish('group:a', { n });
        if (n % 50 === 0) {
          await client.ready();
          const connecting = next(client, 'connecting');
          served.gateway.disconnect({ user: '' }, { code: 3011, reason: 'force reconnect' });
          await connecting;
        }
        if (n % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      await until(() => offsets.length >= total);
      expect(offsets).toEqual(Array.from({ length: total }, (_, index) => index + 1));
    },
  );
});

describe('the history command', () => {
  test('pages forwards and backwards, tells the position, and refuses a lost position with 112', async () => {
    await using served = await serveGateway({ namespaces: GROUP });
    const { sub } = await subscribe(served);
    for (let n = 1; n <= 8; n += 1) served.gateway.publish('group:a', { n });
    const { epoch, offset } = await sub.history({ limit: 0 });
    expect(offset).toBe(8);
    const page = async (options: Parameters<typeof sub.history>[0]): Promise<number[]> =>
      (await sub.history(options)).publications.map(({ data }) => data.n);
    expect(await page({ limit: -1 })).toEqual([4, 5, 6, 7, 8]);
    expect(await page({ limit: 2 })).toEqual([4, 5]);
    expect(await page({ limit: 2, since: { offset: 5, epoch } })).toEqual([6, 7]);
    expect(await page({ limit: 2, reverse: true })).toEqual([8, 7]);
    expect(await page({ limit: 2, reverse: true, since: { offset: 6, epoch } })).toEqual([5, 4]);
    await expect(sub.history({ limit: 2, since: { offset: 1, epoch } })).rejects.toMatchObject({ code: 112 });
    await expect(sub.history({ limit: 2, since: { offset: 8, epoch: 'other' } })).rejects.toMatchObject({
      code: 112,
    });
  });

  test('is for subscribers (103) of channels with a history (108)', async () => {
    await using served = await serveGateway();
    const client = served.client();
    client.connect();
    await client.ready();
    await expect(client.history('group:a', { limit: 1 })).rejects.toMatchObject({ code: 103 });
    await expect(client.history('room:a', { limit: 1 })).rejects.toMatchObject({ code: 108 });
    await expect(client.history('nowhere:a', { limit: 1 })).rejects.toMatchObject({ code: 102 });
  });
});
