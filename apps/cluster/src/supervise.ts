/**
 * The process behind `conclave cluster up`: it owns the whole cluster, starts a server process or an engine again when it
 * ends by itself, and stops everything in order on SIGTERM. When it is killed the kernel kills the rest.
 *
 * It is not meant to be called by people; its output goes to `supervisor.log` in the cluster's folder.
 */
import { startCluster } from '@conclave/testkit/cluster';
import { accessPointsOf } from './access-points.ts';
import { partsOf, type ClusterPartHandle } from './cluster-parts.ts';
import { removeState, writeState, type ClusterPart, type ClusterState } from './cluster-state.ts';
import { openNatsMonitoring } from './nats-monitoring.ts';
import { probePart } from './probe.ts';
import { identityOf, isStillRunning, type ProcessIdentity } from './process-identity.ts';

export interface SuperviseOptions {
  readonly folder: string;
  readonly processes: number;
  readonly gateway: 'embedded' | 'centrifugo';
  readonly serverName: string;
}

const readyWithinMs = 60_000;
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
    version: 2,
    supervisor,
    phase: 'starting',
    gateway,
    parts: [],
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
    const natsMonitoringUrl = await openNatsMonitoring(cluster);
    const parts = partsOf(cluster, natsMonitoringUrl);
    await whenReady(parts);
    const restarts = new Map<string, number>();
    await save({
      phase: 'running',
      parts: describe(parts, restarts),
      accessPoints: accessPointsOf(cluster, natsMonitoringUrl),
      firstAccountToken: cluster.firstAccountToken ?? null,
    });
    say(`running at ${cluster.url}`);
    await keepRunning(parts, restarts, stop.signal, () => save({ parts: describe(parts, restarts) }));
    say('stopping');
    await save({ phase: 'stopping' });
  } finally {
    await removeState(folder);
  }
  say('stopped');
  return 0;
}

async function whenReady(parts: readonly ClusterPartHandle[]): Promise<void> {
  const deadline = performance.now() + readyWithinMs;
  for (;;) {
    const statuses = await Promise.all(parts.map(async (part) => `${part.name}: ${await probePart(part)}`));
    const unready = statuses.filter((line) => !line.endsWith(': ready'));
    if (unready.length === 0) return;
    if (performance.now() > deadline) throw new Error(`not ready in time: ${unready.join(', ')}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Returns when the signal says so. */
async function keepRunning(
  parts: readonly ClusterPartHandle[],
  restarts: Map<string, number>,
  stop: AbortSignal,
  onChange: () => Promise<void>,
): Promise<void> {
  const running = new Map<ClusterPartHandle, ProcessIdentity | undefined>();
  const restartAt = new Map<ClusterPartHandle, number>();
  for (const part of parts) running.set(part, identityOf(part.pid));
  while (!stop.aborted) {
    await pause(lookEveryMs, stop);
    for (const part of parts) {
      const identity = running.get(part);
      if ((identity !== undefined && isStillRunning(identity)) || stop.aborted) continue;
      const due = restartAt.get(part);
      const count = restarts.get(part.name) ?? 0;
      if (due === undefined) {
        const waitMs = Math.min(firstRestartAfterMs * 2 ** count, lastRestartAfterMs);
        say(
          `${part.name} has ended; starting it again in ${waitMs} ms. It said last:\n${part.output.slice(-1_000)}`,
        );
        restartAt.set(part, performance.now() + waitMs);
      } else if (performance.now() >= due) {
        restartAt.delete(part);
        restarts.set(part.name, count + 1);
        await restart(part);
        running.set(part, identityOf(part.pid));
        await onChange();
      }
    }
  }
}

/** One that does not start is tried again, later each time. */
async function restart(part: ClusterPartHandle): Promise<void> {
  try {
    await part.restart();
    say(`${part.name} runs again`);
  } catch (error) {
    say(`${part.name} did not start: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function describe(parts: readonly ClusterPartHandle[], restarts: ReadonlyMap<string, number>): ClusterPart[] {
  return parts.map(({ name, pid, url, probeUrl }) => ({
    name,
    pid,
    url,
    probeUrl,
    restarts: restarts.get(name) ?? 0,
  }));
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
