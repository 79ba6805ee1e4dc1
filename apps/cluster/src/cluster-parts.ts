/** What a cluster consists of, and is asked, watched and started again in one way: server processes, engines, load balancer. */
import type { Cluster } from '@conclave/testkit/cluster';

export interface ClusterPartHandle {
  readonly name: string;
  /** Where it is, for people. */
  readonly url: string;
  /** What it is asked (probe.ts). */
  readonly probeUrl: string;
  /** Of the process that runs now. */
  readonly pid: number;
  /** The last that it printed. */
  readonly output: string;
  restart(): Promise<void>;
}

export function partsOf(cluster: Cluster, natsMonitoringUrl: string): readonly ClusterPartHandle[] {
  const { postgres, nats, redis, s3, centrifugo } = cluster.engines;
  return [
    ...cluster.servers.map((server) =>
      part(server.name, server, server.adminUrl, `${server.adminUrl}/ready`),
    ),
    part('postgres', postgres, postgres.url),
    part('nats', nats, nats.url, `${natsMonitoringUrl}/healthz?js-enabled-only=true`),
    part('redis', redis, redis.url),
    part('s3', s3, s3.endpoint, `${s3.endpoint}/minio/health/ready`),
    ...(centrifugo === undefined
      ? []
      : [part('centrifugo', centrifugo, centrifugo.url, `${centrifugo.apiUrl}/health`)]),
    // Through it, a process: it is as well as the best of them.
    part('load-balancer', cluster.loadBalancer, cluster.url, `${cluster.url}/health`),
  ];
}

type Running = Pick<ClusterPartHandle, 'pid' | 'output' | 'restart'>;

function part(name: string, running: Running, url: string, probeUrl = url): ClusterPartHandle {
  return {
    name,
    url,
    probeUrl,
    get pid() {
      return running.pid;
    },
    get output() {
      return running.output;
    },
    restart: () => running.restart(),
  };
}
