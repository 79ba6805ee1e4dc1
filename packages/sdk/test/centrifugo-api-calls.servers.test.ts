/**
 * What a server asks of Centrifugo's API when somebody is removed, also while JetStream is down. The API is stood in for by an
 * HTTP server here, so that it runs where Centrifugo is not to be had; NATS is real.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createOperatorClient } from '@conclave/server';
import { missingNats, startNats } from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { expect, it } from 'vitest';
import { foundGroup, gatherPeople } from './test-people.ts';
import { startTestServer } from './test-server.ts';

interface Call {
  readonly path: string;
  readonly body: unknown;
}

async function serveApi(): Promise<{ url: string; calls: Call[]; fails: boolean } & AsyncDisposable> {
  const calls: Call[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      calls.push({ path: request.url ?? '', body: JSON.parse(Buffer.concat(chunks).toString()) });
      if (api.fails) response.writeHead(401).end();
      else response.end(JSON.stringify({ result: { nodes: [] } }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const api = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    fails: false,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return api;
}

requireServer(missingNats())('a server with Centrifugo', () => {
  it('has subscribers cut off through the API, also while JetStream is down, and goes on when the API fails', async () => {
    await using nats = await startNats();
    await using api = await serveApi();
    await using server = await startTestServer({
      bus: { engine: 'nats', url: nats.url, passwordFile: nats.passwordFile },
      gateway: { engine: 'centrifugo', publicUrl: 'http://127.0.0.1:9', apiUrl: api.url },
      admin: { enabled: true, port: 0 },
    });
    await using people = await gatherPeople(undefined, { server });
    const [ada, bob, eve] = [await people.open('Ada'), await people.open('Bob'), await people.open('Eve')];
    const [adas] = await foundGroup(people, ada, 'Ada', [bob, eve]);
    // There is no gateway in the server itself.
    expect((await fetch(`${server.url}/connection/sse`)).status).toBe(404);
    const ends = (): Call[] => api.calls.filter(({ path }) => path === '/api/unsubscribe');
    expect(ends()).toEqual([]);
    nats.pause();
    await adas!.remove(eve.id);
    while (ends().length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(ends()).toEqual([
      { path: '/api/unsubscribe', body: { channel: `group:${adas!.id}.0`, user: '' } },
    ]);
    nats.resume();
    expect(await server.server.metrics.exposition()).toContain('conclave_gateway_up 1');
    // A stream that was lost: its copies for Centrifugo are gone, so clients are to come back and read the log.
    await nats.deleteData('after-kill');
    const resets = (): Call[] => api.calls.filter(({ path }) => path === '/api/disconnect');
    while (resets().length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(resets()[0]?.body).toMatchObject({ user: '', disconnect: { code: 4000 } });

    api.fails = true;
    await adas!.remove(bob.id);
    expect(await server.server.metrics.exposition()).toContain('conclave_gateway_up 0');
    const { hostname, port } = new URL(server.server.adminUrl ?? '');
    const operator = createOperatorClient({
      dataDirectory: server.dataDirectory,
      secretsFile: null,
      admin: { enabled: true, host: hostname, port: Number(port) },
    });
    await expect(operator.describeGateway()).rejects.toThrow('refused with status 503');
  });
});
