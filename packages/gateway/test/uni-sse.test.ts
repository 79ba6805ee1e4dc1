/**
 * Unidirectional SSE with a bare EventSource and with `fetch`: no client library.
 */
import { EventSource } from 'eventsource';
import { expect, test } from 'vitest';
import { createManualClock } from './manual-clock.ts';
import { serveGateway, until } from './serve-gateway.ts';

test('an EventSource gets its connect push, publications of its token’s channels, and pings', async () => {
  const clock = createManualClock();
  await using served = await serveGateway({ deps: { clock } });
  const url = new URL(`${served.url}/connection/uni_sse`);
  const token = await served.connectionToken({ user: 'alice', channels: ['group:a'] });
  url.searchParams.set('cf_connect', JSON.stringify({ token }));
  const source = new EventSource(url);
  const pushes: any[] = [];
  source.onmessage = ({ data }) => void pushes.push(JSON.parse(data));
  await until(() => pushes.length === 1);
  expect(pushes[0].connect).toMatchObject({
    client: expect.any(String),
    ping: 25,
    subs: { 'group:a': { recoverable: true } },
  });
  expect(pushes[0].connect).not.toHaveProperty('pong');
  served.gateway.publish('group:a', { n: 1 });
  await until(() => pushes.length === 2);
  expect(pushes[1]).toEqual({ channel: 'group:a', pub: { data: { n: 1 }, offset: 1 } });
  clock.advance(25_000);
  await until(() => pushes.length === 3);
  expect(pushes[2]).toEqual({});
  clock.advance(60_000);
  expect(served.gateway.stats().connections).toBe(1);
  source.close();
  await until(() => served.gateway.stats().connections === 0);
});

test('a POST recovers from a position and hears of errors as disconnect pushes', async () => {
  await using served = await serveGateway();
  const open = async (connect: object): Promise<string[]> => {
    const response = await fetch(`${served.url}/connection/uni_sse`, {
      method: 'POST',
      body: JSON.stringify(connect),
    });
    const lines: string[] = [];
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      lines.push(...chunk.split('\n\n').filter(Boolean));
      if (lines.length > 0) break;
    }
    return lines.map((line) => line.replace('data: ', ''));
  };
  for (const n of [1, 2, 3]) served.gateway.publish('group:a', n);
  const token = await served.connectionToken({ channels: ['group:a'] });
  const [connected] = await open({ token, subs: { 'group:a': { recover: true, offset: 1 } } });
  expect(JSON.parse(connected!).connect.subs['group:a']).toMatchObject({
    recovered: true,
    publications: [
      { data: 2, offset: 2 },
      { data: 3, offset: 3 },
    ],
  });
  const expired = await served.connectionToken({ expiresAtMs: Date.now() - 60_000 });
  expect(await open({ token: expired })).toEqual(['{"disconnect":{"code":109,"reason":"token expired"}}']);
  expect(await open({ token: 'x' })).toEqual(['{"disconnect":{"code":3500,"reason":"invalid token"}}']);
  expect((await fetch(`${served.url}/connection/uni_sse`)).status).toBe(400);
  expect((await fetch(`${served.url}/connection/uni_sse`, { method: 'DELETE' })).status).toBe(405);
});
