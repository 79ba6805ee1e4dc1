/**
 * The official client over every transport: the same conversation each time.
 */
import { describe, expect, test } from 'vitest';
import { next, serveGateway, TRANSPORTS, until } from './serve-gateway.ts';

describe.each(TRANSPORTS)('the official client over %s', (transport) => {
  test('connects, subscribes, receives and unsubscribes', async () => {
    await using served = await serveGateway();
    const client = served.client(transport);
    const sub = client.newSubscription('group:a', served.subscription('group:a'));
    const received: unknown[] = [];
    sub.on('publication', ({ data, offset }) => {
      received.push([
        offset,
        typeof data === 'object' && data instanceof Uint8Array
          ? JSON.parse(Buffer.from(data).toString())
          : data,
      ]);
    });
    sub.subscribe();
    client.connect();
    await next(sub, 'subscribed');
    for (let n = 1; n <= 3; n += 1) served.gateway.publish('group:a', { n, text: 'grüße\n' });
    await until(() => received.length === 3);
    expect(received).toEqual([1, 2, 3].map((n) => [n, { n, text: 'grüße\n' }]));
    expect(served.gateway.stats()).toMatchObject({
      connections: 1,
      authenticated: 1,
      channels: 1,
      subscriptions: 1,
    });
    sub.unsubscribe();
    await until(() => served.gateway.stats().channels === 0);
    client.disconnect();
    await until(() => served.gateway.stats().connections === 0);
  });

  test('receives publications of every size', async () => {
    await using served = await serveGateway();
    const client = served.client(transport);
    const sub = client.newSubscription('open:a');
    const lengths: number[] = [];
    // The protobuf client gets the JSON text as bytes.
    sub.on('publication', ({ data }) => {
      lengths.push(typeof data === 'string' ? data.length : JSON.parse(Buffer.from(data).toString()).length);
    });
    sub.subscribe();
    client.connect();
    await next(sub, 'subscribed');
    // Around the lengths at which a WebSocket frame's header grows, alone and together.
    const sizes = [0, 40, 70, 120, 130, 60_000, 65_400, 65_500, 65_540, 200_000];
    for (const size of sizes) {
      served.gateway.publish('open:a', 'x'.repeat(size));
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (const size of sizes) served.gateway.publish('open:a', 'x'.repeat(size));
    await until(() => lengths.length === 2 * sizes.length);
    expect(lengths).toEqual([...sizes, ...sizes]);
  });
});
