/**
 * The cluster of the testkit as a target: three server processes on real engines, the second with a clock that is ahead and the
 * third with one that is behind.
 */
import { join } from 'node:path';
import { startCluster } from '@conclave/testkit/cluster';
import { findRelayHolder } from './relay-holder.ts';
import { engineVictim, serverVictim } from './server-victim.ts';
import { environmentWithSkew } from './skewed-clock.ts';
import type { ChaosTarget } from './target.ts';

export interface ClusterTargetOptions {
  readonly folder: string;
  readonly gateway: 'embedded' | 'centrifugo';
  readonly say: (line: string) => void;
}

/** By index of the process. Frames are refused at five minutes; machines without any time service drift by less. */
const skewSeconds = [0, 20, -20] as const;

export async function startClusterTarget(options: ClusterTargetOptions): Promise<ChaosTarget> {
  const { folder, gateway, say } = options;
  const isSkewed = environmentWithSkew(0) !== undefined;
  const cluster = await startCluster({
    folder: join(folder, 'cluster'),
    processes: skewSeconds.length,
    gateway,
    environmentOf: (index) => environmentWithSkew(skewSeconds[index] ?? 0) ?? {},
    onProgress: say,
  });
  const { firstAccountToken, loadBalancer } = cluster;
  if (firstAccountToken === undefined) {
    await cluster[Symbol.asyncDispose]();
    throw new Error('the cluster printed no token for the first account');
  }
  const servers = cluster.servers.map((server, index) =>
    serverVictim(server.name, server, isSkewed ? (skewSeconds[index] ?? 0) : 0),
  );
  return {
    url: cluster.url,
    servers,
    engines: Object.entries(cluster.engines).map(([name, engine]) => engineVictim(name, engine)),
    loadBalancer: engineVictim('load-balancer', loadBalancer),
    links: Object.entries(cluster.links).map(([name, link]) => ({
      name,
      cut: () => link.cut(),
      stall: () => link.stall(),
      restore: () => link.restore(),
    })),
    firstAccountToken,
    about: [
      `${servers.length} server processes with the ${gateway} gateway`,
      isSkewed
        ? `clocks skewed by ${skewSeconds.join(', ')} s`
        : 'clocks NOT skewed: libfaketime is not installed',
    ].join('; '),
    skew: isSkewed ? 'wanted' : 'impossible',
    wipeBus: (how) => cluster.engines.nats.deleteData(how),
    findRelayHolder: () => findRelayHolder(servers),
    logs: () =>
      new Map([
        ...servers.map(({ name, output }) => [name, output] as const),
        ...Object.entries(cluster.engines).map(([name, { output }]) => [name, output] as const),
        ['load-balancer', loadBalancer.output],
      ]),
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}
