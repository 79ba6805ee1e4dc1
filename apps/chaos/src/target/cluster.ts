/**
 * The cluster of the testkit as a target: three server processes on real engines, the second with a clock that is ahead and the
 * third with one that is behind.
 */
import { join } from 'node:path';
import { startCluster } from '@conclave/testkit/cluster';
import type { ChaosTarget, ServerVictim, Victim } from './target.ts';
import { environmentWithSkew } from './skewed-clock.ts';
import { findRelayHolder } from './relay-holder.ts';

export interface ClusterTargetOptions {
  readonly folder: string;
  readonly gateway: 'embedded' | 'centrifugo';
  readonly say: (line: string) => void;
}

const processes = 3;
/** By index of the process. Frames are refused at five minutes; machines without any time service drift by less. */
const skewSeconds = [0, 20, -20] as const;

export async function startClusterTarget({
  folder,
  gateway,
  say,
}: ClusterTargetOptions): Promise<ChaosTarget> {
  const isSkewed = environmentWithSkew(0) !== undefined;
  const cluster = await startCluster({
    folder: join(folder, 'cluster'),
    processes,
    gateway,
    environmentOf: (index) => environmentWithSkew(skewSeconds[index] ?? 0) ?? {},
    onProgress: say,
  });
  const { firstAccountToken } = cluster;
  if (firstAccountToken === undefined) {
    await cluster[Symbol.asyncDispose]();
    throw new Error('the cluster printed no token for the first account');
  }
  const servers = cluster.servers.map((server): ServerVictim => ({
    name: server.name,
    url: server.url,
    adminUrl: server.adminUrl,
    get pid() {
      return server.pid;
    },
    get output() {
      return server.output;
    },
    kill: () => server.kill(),
    pause: () => void process.kill(server.pid, 'SIGSTOP'),
    resume: () => void process.kill(server.pid, 'SIGCONT'),
    restart: () => server.restart(),
    stop: async () => void (await server.stop()),
  }));
  const engines = Object.entries(cluster.engines).map(([name, engine]): Victim => ({
    name,
    get pid() {
      return engine.pid;
    },
    kill: () => engine.kill(),
    pause: () => engine.pause(),
    resume: () => engine.resume(),
    restart: () => engine.restart(),
    stop: () => engine.stop(),
  }));
  return {
    url: cluster.url,
    servers,
    engines,
    links: Object.entries(cluster.links).map(([name, link]) => ({
      name,
      cut: () => link.cut(),
      stall: () => link.stall(),
      restore: () => link.restore(),
    })),
    firstAccountToken,
    about: [
      `${processes} server processes with the ${gateway} gateway`,
      isSkewed
        ? `clocks skewed by ${skewSeconds.join(', ')} s`
        : 'clocks NOT skewed: libfaketime is not installed',
    ].join('; '),
    skewedProcesses: isSkewed ? skewSeconds.filter((seconds) => seconds !== 0).length : 0,
    wipeBus: (how) => cluster.engines.nats.deleteData(how),
    findRelayHolder: () => findRelayHolder(servers),
    logs: () =>
      new Map([
        ...servers.map(({ name, output }) => [name, output] as const),
        ...Object.entries(cluster.engines).map(([name, { output }]) => [name, output] as const),
      ]),
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}
