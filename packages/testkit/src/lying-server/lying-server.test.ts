import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { startLyingServer } from './lying-server.ts';

const group = 'AAAA';
const channel = `group:${group}.0`;

/** Gives every subscriber the same token, as a server does within one second, and publishes one frame to whoever connects with it. */
async function startTarget(token: string): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((_, response) =>
    response.end(JSON.stringify({ connection_token: token, channel })),
  );
  const sockets = new WebSocketServer({ server });
  const publication = { push: { channel, pub: { data: { seq: 1, epoch: 0, frame: 'dHJ1ZQ==' } } } };
  sockets.on('connection', (socket) =>
    socket.on('message', (data: Buffer) => {
      const { connect } = JSON.parse(data.toString('utf8')) as { connect?: { token: string } };
      if (connect?.token === token) socket.send(JSON.stringify(publication));
      else socket.close();
    }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets.clients) socket.terminate();
      server.close();
      await once(server, 'close');
    },
  };
}

it('knows on the feed who is who, though their tokens are equal', async () => {
  await using target = await startTarget('a.b.c');
  await using lying = await startLyingServer({ target: target.url });
  lying.replace(1, Buffer.from('false'), { to: ['bo'] });

  const told = await Promise.all(
    ['ada', 'bo', 'ada'].map(async (viewer) => {
      const path = `${lying.url}/_conclave/sealed/v1/groups/${group}/subscription`;
      const answer = await lying.fetchAs(viewer)(path, { method: 'POST' });
      const { connection_token: token } = (await answer.json()) as { connection_token: string };
      const socket = new WebSocket(`${lying.url.replace('http', 'ws')}/connection/websocket`);
      await once(socket, 'open');
      socket.send(JSON.stringify({ id: 1, connect: { token } }));
      const [data] = (await once(socket, 'message')) as [Buffer];
      socket.terminate();
      const { push } = JSON.parse(data.toString('utf8')) as { push: { pub: { data: { frame: string } } } };
      return Buffer.from(push.pub.data.frame, 'base64').toString();
    }),
  );

  expect(told).toEqual(['true', 'false', 'true']);
});

it('gives other octets for those of a route, to whom it means, until it is honest', async () => {
  await using target = await startTarget('a.b.c');
  await using lying = await startLyingServer({ target: target.url });
  const path = `/_conclave/sealed/v1/groups/${group}/preview`;
  const read = async (viewer: string): Promise<string> =>
    await (await lying.fetchAs(viewer)(lying.url + path)).text();
  const truth = await read('bo');

  lying.rewrite(/\/preview$/, (octets) => octets.subarray(1), { to: ['bo'] });
  lying.rewrite(/\/tree$/, () => new Uint8Array(0));
  expect(await read('bo')).toBe(truth.slice(1));
  expect(await read('ada')).toBe(truth);
  lying.beHonest();
  expect(await read('bo')).toBe(truth);
});
