/** Leaving behind a load balancer: what is answered, and what real-time clients are told, between SIGTERM and the end. */
import { Centrifuge } from 'centrifuge';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { TestMember } from '@conclave/testkit';
import { ask, bearer, register, startTestServer } from './test-server.ts';

test('is not ready at once, and answers requests until the load balancer has looked away', async () => {
  await using running = await startTestServer({ shutdown: { drainMs: 600 } });
  const { url, adminUrl } = running;
  const { access_token: token } = await register(url, 'ada');
  const stopped = running.server.close();
  let over = false;
  void stopped.then(() => (over = true));
  for (const origin of [url, adminUrl]) {
    const ready = await ask(origin, 'GET', '/ready');
    expect([ready.status, ready.body.status]).toEqual([503, 'stopping']);
  }
  // Over new connections: each answer says that the connection ends.
  for (let count = 0; count < 3; count++) {
    const whoami = await ask(url, 'GET', '/_matrix/client/v3/account/whoami', undefined, bearer(token));
    expect([whoami.status, whoami.headers.get('connection')]).toEqual([200, 'close']);
  }
  expect(over).toBe(false);
  await stopped;
  await expect(fetch(`${url}/health`)).rejects.toThrow('fetch failed');
});

test('tells clients to let go of idle connections before a process that drains would close them', async () => {
  await using running = await startTestServer();
  const { headers } = await ask(running.url, 'GET', '/health');
  expect(headers.get('keep-alive')).toBe('timeout=15');
});

test('tells real-time clients to reconnect while requests are still answered', async () => {
  await using running = await startTestServer({ shutdown: { drainMs: 1_000 } });
  const { access_token: accessToken } = await register(running.url, 'ada');
  const { serverName: origin } = running.server;
  const member = await TestMember.create({ url: running.url, name: 'ada', accessToken, origin });
  const { connection_token: token } = await member.subscribe();
  const clients = Array.from(
    { length: 10 },
    () =>
      new Centrifuge(`${running.url.replace('http', 'ws')}/connection/websocket`, {
        token,
        websocket: WebSocket,
        minReconnectDelay: 60_000,
        maxReconnectDelay: 60_000,
      }),
  );
  for (const client of clients) client.connect();
  await Promise.all(clients.map((client) => client.ready()));
  const told = clients.map(
    (client) => new Promise<number>((resolve) => client.on('connecting', ({ code }) => resolve(code))),
  );
  const stopped = running.server.close();
  expect(await told[0]).toBe(3001);
  expect((await ask(running.url, 'GET', '/health')).status).toBe(200);
  expect(await Promise.all(told)).toEqual(clients.map(() => 3001));
  await stopped;
  for (const client of clients) client.disconnect();
});
