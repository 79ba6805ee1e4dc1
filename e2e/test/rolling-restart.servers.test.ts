/**
 * Processes behind a load balancer are restarted, and replaced by another version, one by one, under requests that are
 * never repeated. Nobody notices.
 */
import { fileURLToPath } from 'node:url';
import { startServerProcess, type ServerProcess } from '@conclave/testkit';
import {
  findFreePort,
  missingLoadBalancer,
  missingNats,
  missingPostgres,
  missingS3,
  startLoadBalancer,
  type LoadBalancer,
} from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { expect, test } from 'vitest';
import { startConversation } from '../src/conversation.ts';
import { startSharedEngines } from '../src/shared-engines.ts';
import { startSteadyLoad } from '../src/steady-load.ts';

const otherVersion = fileURLToPath(new URL('../src/other-version.ts', import.meta.url));
const workers = 8;

/** Several processes on one PostgreSQL, one NATS and one S3 behind HAProxy, each of which can be replaced. */
async function startProcesses(stack: AsyncDisposableStack, count: number) {
  const engines = await startSharedEngines(stack);
  const ports = await Promise.all(
    Array.from({ length: count }, async () => ({
      listen: await findFreePort(),
      admin: await findFreePort(),
    })),
  );
  const start = async (index: number, version?: 'expand' | 'contract'): Promise<ServerProcess> =>
    stack.use(
      await startServerProcess({
        dataDirectory: engines.dataDirectory,
        ports: ports[index]!,
        flags: {
          ...engines.flags,
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
  missingS3(),
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

  test('are replaced by versions with newer schemas one by one, and no request fails and no message is missed', async () => {
    await using stack = new AsyncDisposableStack();
    const { processes, start, names, loadBalancer, untilReady } = await startProcesses(stack, 2);
    using conversation = await startConversation(loadBalancer.url);
    const load = startSteadyLoad(loadBalancer.url, 2);
    const replace = async (index: number, version?: 'expand' | 'contract'): Promise<void> => {
      expect(await processes[index]!.stop()).toBe(0);
      processes[index] = await start(index, version);
      await untilReady(names);
      await conversation.goOn();
    };
    await conversation.goOn();
    await replace(0, 'expand');
    await replace(1, 'expand');
    // An old one may even come back: a new version that fails is taken back in the same way.
    await replace(0);
    // The release after that takes away what the one before did not use any more.
    await replace(0, 'contract');
    await replace(1, 'contract');
    await load.stop();
    await conversation.stop();

    expect([load.failures, conversation.failures]).toEqual([[], []]);
    expect(conversation.heard).toEqual(conversation.said);
    // Each replacement cut him off from one process at most; the rest he was told.
    expect(conversation.live).toBeGreaterThan(conversation.said.length / 2);
    // The column of the new versions holds for every frame, whichever version took it.
    expect(await processes[0]!.stop()).toBe(0);
    const [, counted] = /^later (.*)$/m.exec(processes[0]!.output)!;
    expect(JSON.parse(counted!)).toEqual({ uses: expect.any(Number), frames: conversation.frames });
    expect(JSON.parse(counted!).uses).toBeGreaterThan(20);
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
