/** A gateway in the hand of somebody else, which publishes what it likes. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { createSystemRandom } from '../random/system-random.ts';
import { createSystemClock } from '../time/clock.ts';
import { openLiveFeed } from './live-feed.ts';
import type { Hint } from './parse-publication.ts';

const channel = 'group:x.0';

/** Lets everybody in and publishes this. */
async function startGateway(publications: readonly unknown[]) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', (socket) =>
    socket.on('message', (message: Buffer) => {
      for (const line of message.toString('utf8').split('\n')) {
        const { id, connect, subscribe } = JSON.parse(line) as Record<string, unknown>;
        if (connect !== undefined) socket.send(JSON.stringify({ id, connect: { client: 'c', version: '' } }));
        if (subscribe === undefined) continue;
        socket.send(JSON.stringify({ id, subscribe: {} }));
        for (const data of publications) socket.send(JSON.stringify({ push: { channel, pub: { data } } }));
      }
    }),
  );
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of server.clients) socket.terminate();
      server.close();
      await once(server, 'close');
    },
  };
}

it('hears what follows a publication that is none, and takes no octets that are no base64', async () => {
  const odd = [null, 'AAEC', [1], { seq: 'AAEC' }, { seq: 1, frame: '%%%' }, { seq: 2, frame: 'A' }, {}];
  await using gateway = await startGateway([...odd, { seq: 3, frame: 'AAEC' }]);
  const hints: Hint[] = [];
  const heard = Promise.withResolvers<void>();
  const token = `${btoa('{}')}.${btoa('{}')}.x`;
  const feed = openLiveFeed({
    server: gateway.url,
    clock: createSystemClock(),
    random: createSystemRandom(),
    subscribe: async () => ({
      channel,
      connectionToken: token,
      subscriptionToken: token,
      gatewayUrl: undefined,
    }),
    onPublication(hint) {
      hints.push(hint);
      if (hint.seq === 3) heard.resolve();
    },
    onReady: () => undefined,
    onLost: () => undefined,
  });
  await heard.promise;
  await feed.close();
  expect(hints).toEqual([
    { seq: 1, frame: undefined },
    { seq: 2, frame: undefined },
    { seq: 3, frame: Uint8Array.of(0, 1, 2) },
  ]);
});
