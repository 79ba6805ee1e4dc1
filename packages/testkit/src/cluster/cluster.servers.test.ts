import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { requireServer } from '../servers/require-server.ts';
import { missingCluster, startCluster, type Cluster } from './start-cluster.ts';

const poll = { timeout: 30_000 };

requireServer(missingCluster())('a cluster', () => {
  let folder: string;
  let cluster: Cluster;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'conclave-cluster-test-'));
    cluster = await startCluster({ folder, processes: 2 });
  });
  afterAll(async () => {
    await cluster.stop();
    await rm(folder, { recursive: true });
  });

  it('answers through the load balancer and has a token for the first account', async () => {
    expect(await statusOf(cluster.url)).toBe(200);
    expect(cluster.firstAccountToken).toMatch(/^[a-z2-7-]{27}$/);
    expect(Object.keys(cluster.links)).toContain('p2.nats');
  });

  it('gives each process its own links to the engines', async () => {
    for (const name of ['p1', 'p2']) {
      for (const engine of ['postgres', 'nats', 'redis']) {
        expect([name, engine, cluster.links[`${name}.${engine}`]!.connections > 0]).toEqual([
          name,
          engine,
          true,
        ]);
      }
    }
  });

  it('goes on with what is left when a process dies, and takes it back', async () => {
    const [first] = cluster.servers;
    await first!.kill();
    await expect.poll(() => cluster.loadBalancer.listReady(), poll).toEqual(['p2']);
    expect(await statusOf(cluster.url)).toBe(200);
    await first!.restart();
    await cluster.whenReady();
  });

  it('answers every request while its processes are stopped and started one after the other', async () => {
    const outcomes = new Map<string, number>();
    const done = new AbortController();
    const ask = async (): Promise<void> => {
      while (!done.signal.aborted) {
        let outcome: string;
        try {
          const answer = await fetch(`${cluster.url}/_matrix/client/versions`);
          await answer.text();
          outcome = String(answer.status);
        } catch (error) {
          outcome = String((error as Error).cause ?? error);
        }
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
    };
    const asking = [ask(), ask(), ask(), ask()];
    for (const server of cluster.servers) {
      expect(await server.stop()).toBe(0);
      await server.restart();
      await cluster.whenReady();
    }
    done.abort();
    await Promise.all(asking);
    expect([...outcomes.keys()]).toEqual(['200']);
    expect(outcomes.get('200')).toBeGreaterThan(20);
  });

  it('keeps every secret from other users and out of process arguments', async () => {
    // Each engine and process has a folder that nobody else may enter.
    for (const name of await readdir(folder)) {
      expect([name, (await stat(join(folder, name))).mode & 0o077]).toEqual([name, 0]);
    }
    const { postgres, nats, redis, s3 } = cluster.engines;
    const secrets = [postgres.password, nats.password, redis.password, s3.secretAccessKey];
    const running = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8', maxBuffer: 2 ** 24 });
    const printed = cluster.servers.map((server) => server.output).join('\n');
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThan(20);
      expect(running).not.toContain(secret);
      expect(printed).not.toContain(secret);
    }
  });

  it('comes back on the same addresses with what it had', async () => {
    const { url } = cluster;
    const post = async (path: string, body: object): Promise<number> =>
      (await fetch(url + path, { method: 'POST', body: JSON.stringify(body) })).status;
    const auth = { type: 'm.login.registration_token', token: cluster.firstAccountToken };
    const password = 'correct horse battery';
    expect(await post('/_matrix/client/v3/register', { username: 'ada', password, auth })).toBe(200);

    await cluster.stop();
    await expect(fetch(url)).rejects.toThrow('fetch failed');
    cluster = await startCluster({ folder, processes: 2 });
    expect(cluster.url).toBe(url);
    const identifier = { type: 'm.id.user', user: 'ada' };
    for (const _ of cluster.servers) {
      expect(await post('/_matrix/client/v3/login', { type: 'm.login.password', identifier, password })).toBe(
        200,
      );
    }
    expect(cluster.firstAccountToken).toBe(undefined);
  });
});

requireServer(missingCluster('centrifugo'))('a cluster with Centrifugo', () => {
  it('has a Centrifugo that reads the stream over a link of its own, and processes that may reach its API', async () => {
    await using cluster = await startCluster({ processes: 1, gateway: 'centrifugo' });
    const { centrifugo } = cluster.engines;
    const stream = await fetch(`${centrifugo!.url}/connection/uni_sse`);
    expect(stream.headers.get('content-type')).toContain('text/event-stream');
    await stream.body?.cancel();
    await expect.poll(() => cluster.links['centrifugo.nats']!.connections, poll).toBeGreaterThan(0);
    expect(await statusOf(cluster.url)).toBe(200);
    // Asked only when somebody has to be cut off: the address is the link's, and the link leads there.
    const apiUrl = `http://127.0.0.1:${cluster.links['p1.centrifugo']!.port}`;
    expect(cluster.servers[0]!.config.gateway?.apiUrl).toBe(apiUrl);
    expect((await fetch(`${apiUrl}/health`)).status).toBe(200);
  });
});

async function statusOf(url: string): Promise<number> {
  return (await fetch(`${url}/ready`)).status;
}
