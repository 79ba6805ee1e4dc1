/** The command as people use it: processes of their own, exit codes, what it prints and what it leaves. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { missingCluster } from '@conclave/testkit/cluster';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { identityOf } from '../src/process-identity.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

requireServer(missingCluster())('conclave cluster', () => {
  let parent: string;
  let folder: string;

  beforeAll(async () => {
    parent = await mkdtemp(join(tmpdir(), 'conclave-cluster-app-'));
    folder = join(parent, 'cluster');
    await chmod(parent, 0o711);
  });
  afterAll(async () => {
    await run('down', '--drop-data');
    await rm(parent, { recursive: true });
  });

  async function run(...args: string[]) {
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', main, ...args, `--folder=${folder}`],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString('utf8')));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString('utf8')));
    const [code] = (await once(child, 'close')) as [number];
    return { code, out, err };
  }
  const partsOf = async (): Promise<{ name: string; pid: number; status: string; restarts: number }[]> =>
    JSON.parse((await run('status', '--json')).out).parts;
  const pidsOf = async (): Promise<number[]> => (await partsOf()).map(({ pid }) => pid);

  it('has nothing to say and nothing to stop before up', async () => {
    expect(await run('status')).toMatchObject({ code: 3, out: `No cluster runs in ${folder}.\n` });
    expect(await run('down', '--drop-data')).toMatchObject({ code: 0 });
    expect(existsSync(folder)).toBe(false);
  });

  it('starts everything in the background and says where it is', async () => {
    const started = await run('up', '--processes=2');
    expect(started).toMatchObject({ code: 0, err: '' });
    const points = new Map(
      [...started.out.matchAll(/^ {2}(\S.*?) {2,}(\S+) {2,}\S.*$/gm)].map(([, service, url]) => [
        service,
        url,
      ]),
    );
    expect([...points.keys()].slice(2)).toEqual([
      'Conclave',
      'Conclave health',
      'Real time, WebSocket',
      'Real time, SSE',
      'Process p1',
      'Process p2',
      'PostgreSQL',
      'NATS JetStream',
      'NATS monitoring',
      'Redis',
      'S3',
      'HAProxy statistics',
    ]);
    for (const name of ['Conclave health', 'Process p1', 'Process p2'])
      expect([name, (await fetch(points.get(name)!)).status]).toEqual([name, 200]);
    // The events of nobody: the connection is refused for its missing token, by the gateway.
    const events = await (await fetch(`${points.get('Real time, SSE')}?cf_connect=%7B%7D`)).text();
    expect(events).toContain('disconnect');
    const monitored = await (await fetch(`${points.get('NATS monitoring')}/jsz?streams=true`)).text();
    expect(monitored).toContain('"EVENTS"');
    expect(started.out).toMatch(/first account \(works once\): [a-z2-7-]{27}/);
    const url = /Conclave +(http:\S+)/.exec(started.out)?.[1] ?? '';
    expect((await fetch(`${url}/ready`)).status).toBe(200);
    expect((await run('status')).code).toBe(0);
    expect((await stat(join(folder, 'cluster.json'))).mode & 0o077).toBe(0);
    // No secret that it generated is printed, but for the one that is meant to be.
    for (const file of [
      'postgres/password',
      'nats/password',
      'redis/redis-password',
      's3/s3-secret-access-key',
    ]) {
      expect(started.out).not.toContain((await readFile(join(folder, file), 'utf8')).trim());
    }
  });

  it('is not started twice', async () => {
    const pids = await pidsOf();
    const again = await run('up');
    expect(again.code).toBe(0);
    expect(again.out).toContain('runs in');
    expect(await pidsOf()).toEqual(pids);
  });

  it('starts a server process again that has died', async () => {
    const [first] = await partsOf();
    process.kill(first!.pid, 'SIGKILL');
    await expect
      .poll(async () => (await partsOf())[0], { timeout: 30_000, interval: 500 })
      .toMatchObject({ name: 'p1', status: 'ready', restarts: 1 });
  });

  it.each(['postgres', 'nats', 'redis', 's3', 'load-balancer'])(
    'starts %s again when it has died',
    async (name) => {
      const statusOf = async () => (await partsOf()).find((part) => part.name === name);
      process.kill((await statusOf())!.pid, 'SIGKILL');
      await expect
        .poll(statusOf, { timeout: 60_000, interval: 500 })
        .toMatchObject({ status: 'ready', restarts: 1 });
      await expect.poll(async () => (await run('status')).code, { timeout: 60_000 }).toBe(0);
    },
  );

  it.each(['postgres', 'nats', 'redis', 's3', 'load-balancer'])(
    'sees that %s runs and does not answer',
    async (name) => {
      const part = (await partsOf()).find((each) => each.name === name)!;
      process.kill(part.pid, 'SIGSTOP');
      try {
        expect((await partsOf()).find((each) => each.name === name)).toMatchObject({
          status: 'no answer',
          restarts: part.restarts,
        });
        expect((await run('status')).code).toBe(1);
      } finally {
        process.kill(part.pid, 'SIGCONT');
      }
      await expect.poll(async () => (await run('status')).code, { timeout: 60_000 }).toBe(0);
    },
  );

  it('stops everything, keeps the data, and comes back at the same address', async () => {
    const before = await run('up');
    const pids = await pidsOf();
    expect(await run('down')).toMatchObject({ code: 0, out: 'Everything has stopped.\n' });
    for (const pid of pids) expect(identityOf(pid)).toBe(undefined);
    expect(await readdir(folder)).toContain('postgres');
    expect((await run('status')).code).toBe(3);

    const url = /Conclave +(http:\S+)/.exec(before.out)?.[1];
    const after = await run('up', '--processes=2');
    expect(after).toMatchObject({ code: 0, err: '' });
    expect(after.out).toContain(`${url} `);
  });

  it('leaves no process behind when its supervisor is killed, and can be started again', async () => {
    const pids = await pidsOf();
    const { supervisor } = JSON.parse(await readFile(join(folder, 'cluster.json'), 'utf8'));
    process.kill(supervisor.pid, 'SIGKILL');
    await expect
      .poll(() => pids.filter((pid) => identityOf(pid) !== undefined), { timeout: 10_000 })
      .toEqual([]);
    expect((await run('status')).code).toBe(3);
    expect(await run('up', '--processes=1')).toMatchObject({ code: 0, err: '' });
  });

  it('removes the data when it is told to, and no folder that is not its own', async () => {
    expect(await run('down', '--drop-data')).toMatchObject({ code: 0 });
    expect(existsSync(folder)).toBe(false);
    const other = folder;
    folder = parent;
    expect(await run('down', '--drop-data')).toMatchObject({ code: 1 });
    expect(existsSync(parent)).toBe(true);
    folder = other;
  });

  it('explains what it does not understand', async () => {
    expect(await run('up', '--processes=0')).toMatchObject({ code: 2 });
    expect(await run('up', '--gateway=other')).toMatchObject({ code: 2 });
    expect((await run('upp')).err).toContain('unknown command: upp');
    expect((await run()).err).toContain('a command is missing');
  });
});
