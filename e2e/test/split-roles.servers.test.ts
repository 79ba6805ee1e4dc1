/**
 * Processes with roles of their own behind the load balancer of the samples, which sends real-time connections to those with the
 * role gateway and everything else to those with the role api.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startServerProcess, type ServerProcess } from '@conclave/testkit';
import {
  findFreePort,
  missingLoadBalancer,
  missingNats,
  missingPostgres,
  missingS3,
  startRealServer,
} from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { startConversation } from '../src/conversation.ts';
import { startSharedEngines } from '../src/shared-engines.ts';

const sample = fileURLToPath(new URL('../../deploy/load-balancers/haproxy.cfg', import.meta.url));

/** The sample with its lines for split roles switched on, and these addresses in place of those of containers. */
async function splitSample(port: number, ports: { api: readonly number[]; gateway: readonly number[] }) {
  const lines = (group: readonly number[]) =>
    group.map((at, index) => `  server p${index} 127.0.0.1:${at}`).join('\n');
  const changes: readonly (readonly [RegExp, string])[] = [
    [/^( *)#split (?= *)/gm, '$1'],
    [/bind :8080/, `bind 127.0.0.1:${port}`],
    [/^ *server-template process 16 conclave:.*$/m, lines(ports.api)],
    [/^ *server-template gateway 16 conclave-gateway:.*$/m, lines(ports.gateway)],
  ];
  let text = await readFile(sample, 'utf8');
  for (const [pattern, by] of changes) {
    expect(text).toMatch(pattern);
    text = text.replace(pattern, by);
  }
  return text;
}

const notFound = { status: 404, errcode: 'M_UNRECOGNIZED' };
const paths = {
  api: '/_matrix/client/versions',
  transfers: '/_conclave/transfer/v1',
  sealed: '/_conclave/sealed/v1',
} as const;

async function ask(url: string, method = 'GET') {
  const answer = await fetch(url, { method });
  const { errcode } = (await answer.json()) as { errcode?: string };
  return errcode === undefined ? { status: answer.status } : { status: answer.status, errcode };
}

/** The status with which an attempt to open a WebSocket is answered: 101 if it is opened. */
async function upgrade(url: string) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/connection/websocket`);
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  socket.on('open', () => resolve({ status: 101 }));
  socket.on('error', reject);
  socket.on('unexpected-response', (_request, response) => {
    let text = '';
    response.on('data', (part: Buffer) => (text += part.toString()));
    response.on('end', () =>
      resolve({ status: response.statusCode, errcode: (JSON.parse(text) as { errcode: string }).errcode }),
    );
  });
  try {
    return await promise;
  } finally {
    socket.terminate();
  }
}

requireServer(
  missingPostgres(),
  missingNats(),
  missingS3(),
  missingLoadBalancer(),
)('processes with roles of their own', () => {
  test('serve their own routes only, and together a conversation, also while a gateway is replaced', async () => {
    await using stack = new AsyncDisposableStack();
    const engines = await startSharedEngines(stack);
    const start = async (roles: string): Promise<ServerProcess> =>
      stack.use(
        await startServerProcess({
          dataDirectory: engines.dataDirectory,
          flags: {
            roles,
            ...engines.flags,
            'shutdown.drainMs': '6000',
          },
        }),
      );
    const api = await start('api');
    const gateways = [await start('gateway'), await start('gateway')];
    const background = await start('relay,jobs');
    const [gateway] = gateways as [ServerProcess];

    expect(await ask(`${api.url}${paths.api}`)).toEqual({ status: 200 });
    expect(await ask(`${api.url}${paths.sealed}`)).toEqual({ status: 200 });
    expect(await upgrade(api.url)).toEqual(notFound);
    expect(await upgrade(gateway.url)).toEqual({ status: 101 });
    expect(await upgrade(background.url)).toEqual(notFound);
    for (const { url } of [gateway, background]) {
      for (const path of Object.values(paths)) {
        expect([path, await ask(`${url}${path}`)]).toEqual([path, notFound]);
      }
      expect(await ask(`${url}${paths.transfers}`, 'POST')).toEqual(notFound);
    }
    for (const { url, adminUrl } of [api, gateway, background]) {
      expect(await ask(`${url}/ready`)).toEqual({ status: 200 });
      expect(await ask(`${adminUrl}/ready`)).toEqual({ status: 200 });
    }

    const port = await findFreePort();
    const portOf = ({ url }: ServerProcess): number => Number(new URL(url).port);
    const config = join(engines.folder, 'haproxy.cfg');
    await writeFile(config, await splitSample(port, { api: [portOf(api)], gateway: gateways.map(portOf) }));
    const url = `http://127.0.0.1:${port}`;
    stack.use(
      await startRealServer({
        name: 'haproxy',
        program: 'haproxy',
        arguments: ['-db', '-f', config],
        folder: engines.folder,
        probe: () => ask(`${url}${paths.api}`),
      }),
    );
    // Many, so that each backend is asked more than once.
    for (let round = 0; round < 4; round++) {
      expect(await upgrade(url)).toEqual({ status: 101 });
      expect(await ask(`${url}${paths.sealed}`)).toEqual({ status: 200 });
    }
    using conversation = await startConversation(url);
    await conversation.goOn();
    expect(conversation.live).toBeGreaterThan(0);
    for (const each of gateways) {
      expect(await each.stop()).toBe(0);
      await each.restart();
      await expect.poll(() => ask(`${each.url}/ready`), { timeout: 30_000 }).toEqual({ status: 200 });
      // HAProxy asks every second.
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      await conversation.goOn();
    }
    await conversation.stop();
    expect(conversation.failures).toEqual([]);
    expect(conversation.heard).toEqual(conversation.said);
    expect(conversation.subscriptions).toBeGreaterThan(1);
  });

  test('need a database that several processes share', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'conclave-roles-'));
    try {
      for (const roles of ['api', 'gateway', 'relay,jobs']) {
        const starting = startServerProcess({ dataDirectory: folder, flags: { roles } });
        await expect(starting).rejects.toThrow(/roles[\s\S]*leaves work undone[\s\S]*store\.engine postgres/);
      }
      await using whole = await startServerProcess({ dataDirectory: folder });
      // The second process of an installation on SQLite, with all roles.
      await expect(startServerProcess({ dataDirectory: folder })).rejects.toThrow(/another|in use/i);
      expect(await ask(`${whole.url}/ready`)).toEqual({ status: 200 });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
