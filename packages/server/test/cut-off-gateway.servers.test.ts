/**
 * A gateway that is cut off from NATS leaves the load balancer, as long as there is another one that is not. Two servers on one
 * real PostgreSQL and one real NATS, each with a link to NATS of its own.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TestMember } from '@conclave/testkit';
import {
  missingNats,
  missingPostgres,
  startLink,
  startNats,
  startPostgres,
  type Link,
  type NatsServer,
  type PostgresServer,
} from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { Centrifuge } from 'centrifuge';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { ConfigInput } from '../src/index.ts';
import { register, startTestServer, type TestServer } from './test-server.ts';

const ready = [200, { status: 'ready' }];
const cutOff = [503, { status: 'not ready', failed: ['bus'] }];
const leaseMs = 1_000;
/** Longer than a gateway is patient with this length of leases, and than anybody would take to notice. */
const longMs = 9_000;

requireServer(missingPostgres(), missingNats())('a gateway that is cut off from NATS', () => {
  let postgres: PostgresServer;
  let nats: NatsServer;
  let links: Link[];
  let servers: TestServer[];

  let secretsFile: string;

  const start = async (link: Link, more: ConfigInput = {}): Promise<TestServer> => {
    const { url, passwordFile } = postgres;
    const bus = {
      engine: 'nats',
      url: nats.url.replace(`:${nats.port}`, `:${link.port}`),
      passwordFile: nats.passwordFile,
    } as const;
    return startTestServer({
      store: { engine: 'postgres', url, passwordFile },
      bus,
      relay: { leaseMs },
      secretsFile,
      shutdown: { drainMs: 1_000, graceMs: 2_000 },
      // Two processes with attachments on disks of their own would not both be ready. Nobody asks for any here.
      blobs: {
        engine: 's3',
        endpoint: 'http://127.0.0.1:9',
        bucket: 'none',
        accessKeyId: 'none',
        secretAccessKeyFile: passwordFile,
      },
      ...more,
    });
  };
  const askReady = async (adminUrl: string) => {
    const answer = await fetch(`${adminUrl}/ready`);
    return [answer.status, await answer.json()];
  };
  const states = () => Promise.all(servers.map(({ adminUrl }) => askReady(adminUrl)));
  const until = async (wanted: unknown): Promise<void> => {
    await expect.poll(states, { timeout: 30_000 }).toEqual(wanted);
  };
  /** Asks all the time, as load balancers do. */
  const always = async (wanted: unknown, ms: number): Promise<void> => {
    for (const endMs = performance.now() + ms; performance.now() < endMs;) {
      expect(await states()).toEqual(wanted);
      await sleep(50);
    }
  };

  beforeAll(async () => {
    postgres = await startPostgres();
    nats = await startNats();
    secretsFile = join(await mkdtemp(join(tmpdir(), 'conclave-cut-off-')), 'secrets.json');
    const target = { host: '127.0.0.1', port: nats.port };
    links = [await startLink('a.nats', target), await startLink('b.nats', target)];
    servers = [await start(links[0]!), await start(links[1]!)];
  });
  afterAll(async () => {
    await Promise.all((servers ?? []).map((server) => server[Symbol.asyncDispose]()));
    for (const link of links ?? []) await link[Symbol.asyncDispose]();
    await nats?.[Symbol.asyncDispose]();
    await postgres?.[Symbol.asyncDispose]();
    await rm(dirname(secretsFile), { recursive: true });
  });

  it('is not ready while another one hears it, whichever of the two it is, and is when the link is back', async () => {
    expect.hasAssertions();
    await until([ready, ready]);
    links[0]!.cut();
    await until([cutOff, ready]);
    // Not for a moment only.
    await always([cutOff, ready], 2_000);
    links[0]!.restore();
    await until([ready, ready]);
    links[1]!.stall();
    await until([ready, cutOff]);
    links[1]!.restore();
    await until([ready, ready]);
  });

  it('sends its clients elsewhere once the load balancer had time to look away, and no others', async () => {
    await until([ready, ready]);
    const [a, b] = servers as [TestServer, TestServer];
    const { access_token: accessToken } = await register(a.url, 'ada');
    const origin = a.server.serverName;
    const member = await TestMember.create({ url: a.url, name: 'ada', accessToken, origin });
    const { connection_token: token } = await member.subscribe();
    const told = { a: [] as number[], b: [] as number[] };
    const clients = Object.entries({ a, b }).map(([name, { url }]) => {
      const endpoint = `${url.replace('http', 'ws')}/connection/websocket`;
      const client = new Centrifuge(endpoint, { token, websocket: WebSocket, minReconnectDelay: 60_000 });
      client.connect();
      client.on('connecting', ({ code }) => told[name as 'a' | 'b'].push(code));
      return client;
    });
    await Promise.all(clients.map((client) => client.ready()));
    const before = structuredClone(told);
    links[0]!.cut();
    await until([cutOff, ready]);
    expect(told).toEqual(before);
    await expect.poll(() => told.a, { timeout: 5_000 }).toEqual([...before.a, 3001]);
    expect(told.b).toEqual(before.b);
    links[0]!.restore();
    for (const client of clients) client.disconnect();
  });

  it('stays ready when none hears it: NATS itself hangs, or is gone', async () => {
    expect.hasAssertions();
    await until([ready, ready]);
    nats.pause();
    await always([ready, ready], longMs);
    nats.resume();
    await sleep(2_000);
    await nats.kill();
    await always([ready, ready], longMs);
    await nats.restart();
    await until([ready, ready]);
  });

  it('is ready again when the last one that heard it is cut off too, or leaves', async () => {
    expect.hasAssertions();
    await until([ready, ready]);
    links[0]!.cut();
    await until([cutOff, ready]);
    links[1]!.cut();
    await until([ready, ready]);
    await always([ready, ready], 3_000);
    links[1]!.restore();
    await until([cutOff, ready]);
    const leaving = servers.pop()!;
    await leaving[Symbol.asyncDispose]();
    await until([ready]);
    links[0]!.restore();
    servers.push(await start(links[1]!));
    await until([ready, ready]);
  });

  it('is not told so by a process that has no sockets, and without sockets nothing depends on it', async () => {
    expect.hasAssertions();
    await until([ready, ready]);
    await servers.pop()![Symbol.asyncDispose]();
    servers.push(await start(links[1]!, { roles: ['api', 'relay', 'jobs'] }));
    links[0]!.cut();
    await always([ready, ready], longMs);
    links[0]!.restore();
    links[1]!.cut();
    await always([ready, ready], longMs);
    links[1]!.restore();
  });
});
