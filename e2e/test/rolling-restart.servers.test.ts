/**
 * Processes behind a load balancer are restarted, and replaced by another version, one by one, under requests that are
 * never repeated. Nobody notices.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startServerProcess, type ServerProcess } from '@conclave/testkit';
import {
  findFreePort,
  missingLoadBalancer,
  missingNats,
  missingPostgres,
  startLoadBalancer,
  startNats,
  startPostgres,
  type LoadBalancer,
} from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { expect, test } from 'vitest';
import { startSteadyLoad } from '../src/steady-load.ts';

const otherVersion = fileURLToPath(new URL('../src/other-version.ts', import.meta.url));
const workers = 8;

/** Several processes on one PostgreSQL and one NATS behind HAProxy, each of which can be replaced. */
async function startProcesses(stack: AsyncDisposableStack, count: number) {
  const folder = await mkdtemp(join(tmpdir(), 'conclave-rolling-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const postgres = stack.use(await startPostgres());
  const nats = stack.use(await startNats());
  const ports = await Promise.all(
    Array.from({ length: count }, async () => ({
      listen: await findFreePort(),
      admin: await findFreePort(),
    })),
  );
  const start = async (index: number, version?: 'expand' | 'contract'): Promise<ServerProcess> =>
    stack.use(
      await startServerProcess({
        dataDirectory: join(folder, 'data'),
        ports: ports[index]!,
        flags: {
          'store.engine': 'postgres',
          'store.url': postgres.url,
          'store.passwordFile': postgres.passwordFile,
          'bus.engine': 'nats',
          'bus.url': nats.url,
          'bus.passwordFile': nats.passwordFile,
          'shutdown.drainMs': '4000',
          'transfers.quotaBytes': '100000000',
        },
        ...(version === undefined ? {} : { program: otherVersion, environment: { OTHER_VERSION: version } }),
      }),
    );
  const processes: ServerProcess[] = [];
  for (let index = 0; index < count; index++) processes.push(await start(index));
  const names = ports.map((_, index) => `p${index}`);
  const loadBalancer = stack.use(
    await startLoadBalancer({
      backends: ports.map(({ listen }, index) => ({ name: names[index]!, port: listen })),
    }),
  );
  const untilReady = async (wanted: readonly string[]): Promise<void> => {
    await expect.poll(() => loadBalancer.listReady(), { timeout: 60_000 }).toEqual(wanted);
  };
  await untilReady(names);
  return { processes, start, names, loadBalancer, untilReady } satisfies {
    loadBalancer: LoadBalancer;
  } & Record<string, unknown>;
}

requireServer(
  missingPostgres(),
  missingNats(),
  missingLoadBalancer(),
)('processes behind a load balancer', () => {
  test('are restarted one by one, again and again, and no request fails', async () => {
    await using stack = new AsyncDisposableStack();
    const { processes, start, names, loadBalancer, untilReady } = await startProcesses(stack, 2);
    const load = startSteadyLoad(loadBalancer.url, workers);
    for (const index of [0, 1, 0, 1]) {
      expect(await processes[index]!.stop()).toBe(0);
      processes[index] = await start(index);
      await untilReady(names);
      const { answered } = load;
      await expect.poll(() => load.answered, { timeout: 60_000 }).toBeGreaterThan(answered + 200);
    }
    await load.stop();
    expect(load.failures).toEqual([]);
  });

  test('are replaced by a version with a newer schema one by one, and no request fails', async () => {
    await using stack = new AsyncDisposableStack();
    const { processes, start, names, loadBalancer, untilReady } = await startProcesses(stack, 3);
    const load = startSteadyLoad(loadBalancer.url, workers);
    for (const index of [0, 1, 2]) {
      expect(await processes[index]!.stop()).toBe(0);
      processes[index] = await start(index, 'expand');
      await untilReady(names);
      const { answered } = load;
      await expect.poll(() => load.answered, { timeout: 60_000 }).toBeGreaterThan(answered + 200);
    }
    // An old one may even come back: a new version that fails is taken back in the same way.
    expect(await processes[0]!.stop()).toBe(0);
    processes[0] = await start(0);
    await untilReady(names);
    await load.stop();
    expect(load.failures).toEqual([]);
  });

  test('that cannot work with a newer schema write nothing more, leave, and do not start again', async () => {
    await using stack = new AsyncDisposableStack();
    const { processes, start, untilReady } = await startProcesses(stack, 2);
    const old = processes[0]!;
    expect(await processes[1]!.stop()).toBe(0);
    const starting = start(1, 'contract');
    await expect
      .poll(() => old.output, { timeout: 60_000, interval: 20 })
      .toContain('this process must be replaced');
    const ready = await fetch(`${old.url}/ready`);
    expect([ready.status, ((await ready.json()) as { failed: string[] }).failed]).toEqual([
      503,
      expect.arrayContaining(['schema']),
    ]);
    const posted = await fetch(`${old.url}/_conclave/transfer/v1`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: 'x',
    });
    expect([posted.status, ((await posted.json()) as { errcode: string }).errcode]).toEqual([
      503,
      'CONCLAVE_STORAGE_UNAVAILABLE',
    ]);
    await starting;
    await expect.poll(() => old.isRunning, { timeout: 60_000 }).toBe(false);
    expect(old.output).toMatch(/conclave: .* needs a program that knows .*STORE_SCHEMA_NEWER/);
    await untilReady(['p1']);
    await expect(start(0)).rejects.toThrow('STORE_SCHEMA_NEWER');
  });
});
