/**
 * The process behind `conclave cluster up`: it owns the whole cluster, starts a server process again when it ends by
 * itself, and stops everything in order on SIGTERM. When it is killed the kernel kills the rest.
 *
 * It is not meant to be called by people; its output goes to `supervisor.log` in the cluster's folder.
 */
import { startCluster, type Cluster, type ClusterProcess } from '@conclave/testkit/cluster';
import { accessPointsOf } from './access-points.ts';
import { removeState, writeState, type ClusterState } from './cluster-state.ts';
import { identityOf } from './process-identity.ts';

export interface SuperviseOptions {
  readonly folder: string;
  readonly processes: number;
  readonly gateway: 'embedded' | 'centrifugo';
  readonly serverName: string;
}

const lookEveryMs = 500;
const firstRestartAfterMs = 500;
const lastRestartAfterMs = 30_000;

export async function supervise(options: SuperviseOptions): Promise<number> {
  const { folder, gateway } = options;
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());

  const supervisor = identityOf(process.pid);
  if (supervisor === undefined) throw new Error('this process cannot be found in the list of processes');
  let state: ClusterState = {
    version: 1,
    supervisor,
    phase: 'starting',
    gateway,
    processes: [],
    engines: [],
    accessPoints: [],
    firstAccountToken: null,
  };
  const save = async (change: Partial<ClusterState>): Promise<void> => {
    state = { ...state, ...change };
    await writeState(folder, state);
  };
  await save({});
  try {
    await using cluster = await startCluster({ ...options, usualLimits: true, onProgress: say });
    const restarts = new Map<string, number>();
    await save({ phase: 'running', ...describe(cluster, restarts) });
    say(`running at ${cluster.url}`);
    await keepRunning(cluster, restarts, stop.signal, () => save(describe(cluster, restarts)));
    say('stopping');
    await save({ phase: 'stopping' });
  } finally {
    await removeState(folder);
  }
  say('stopped');
  return 0;
}

/** Returns when the signal says so. */
async function keepRunning(
  cluster: Cluster,
  restarts: Map<string, number>,
  stop: AbortSignal,
  onChange: () => Promise<void>,
): Promise<void> {
  const restartAt = new Map<ClusterProcess, number>();
  while (!stop.aborted) {
    await pause(lookEveryMs, stop);
    for (const server of cluster.servers) {
      if (server.isRunning || stop.aborted) continue;
      const due = restartAt.get(server);
      const count = restarts.get(server.name) ?? 0;
      if (due === undefined) {
        const waitMs = Math.min(firstRestartAfterMs * 2 ** count, lastRestartAfterMs);
        say(
          `${server.name} has ended; starting it again in ${waitMs} ms. It said last:\n${server.output.slice(-1_000)}`,
        );
        restartAt.set(server, performance.now() + waitMs);
      } else if (performance.now() >= due) {
        restartAt.delete(server);
        restarts.set(server.name, count + 1);
        await restart(server);
        await onChange();
      }
    }
  }
}

/** One that does not start is tried again, later each time. */
async function restart(server: ClusterProcess): Promise<void> {
  try {
    await server.restart();
    say(`${server.name} runs again`);
  } catch (error) {
    say(`${server.name} did not start: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function describe(cluster: Cluster, restarts: ReadonlyMap<string, number>): Partial<ClusterState> {
  const { postgres, nats, redis, s3, centrifugo } = cluster.engines;
  return {
    processes: cluster.servers.map(({ name, pid, adminUrl }) => ({
      name,
      pid,
      url: adminUrl,
      restarts: restarts.get(name) ?? 0,
    })),
    engines: [
      { name: 'postgres', pid: postgres.pid, url: postgres.url, restarts: 0 },
      { name: 'nats', pid: nats.pid, url: nats.url, restarts: 0 },
      { name: 'redis', pid: redis.pid, url: redis.url, restarts: 0 },
      { name: 's3', pid: s3.pid, url: s3.endpoint, restarts: 0 },
      ...(centrifugo === undefined
        ? []
        : [{ name: 'centrifugo', pid: centrifugo.pid, url: centrifugo.url, restarts: 0 }]),
      { name: 'load-balancer', pid: cluster.loadBalancer.pid, url: cluster.url, restarts: 0 },
    ],
    accessPoints: accessPointsOf(cluster),
    firstAccountToken: cluster.firstAccountToken ?? null,
  };
}

async function pause(ms: number, stop: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  stop.addEventListener('abort', () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
}

function say(what: string): void {
  process.stdout.write(`${new Date().toISOString()} ${what}\n`);
}
