/** What the same load is put on: one process on SQLite, or one, two or three on real engines behind a load balancer. */
import { join } from 'node:path';
import { startServerProcess } from '@conclave/testkit';
import { startCluster } from '@conclave/testkit/cluster';
import type { Component } from './cpu-time.ts';

export interface Installation extends AsyncDisposable {
  readonly name: string;
  /** Where clients go. */
  readonly url: string;
  /** The operator listener of each process. */
  readonly adminUrls: readonly string[];
  readonly firstAccountToken: string | undefined;
  readonly components: readonly Component[];
}

export async function startOnSqlite(folder: string): Promise<Installation> {
  const server = await startServerProcess({ dataDirectory: join(folder, 'sqlite') });
  return {
    name: 'SQLite, 1 process',
    url: server.url,
    adminUrls: [server.adminUrl],
    firstAccountToken: server.firstAccountToken,
    components: [{ name: 'server', pids: [server.pid] }],
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

export async function startOnEngines(processes: number): Promise<Installation> {
  const cluster = await startCluster({ processes, links: false });
  return {
    name: `engines, ${processes} process${processes === 1 ? '' : 'es'}`,
    url: cluster.url,
    adminUrls: cluster.servers.map(({ adminUrl }) => adminUrl),
    firstAccountToken: cluster.firstAccountToken,
    components: [
      { name: 'server', pids: cluster.servers.map(({ pid }) => pid) },
      ...Object.entries(cluster.engines).map(([name, { pid }]) => ({ name, pids: [pid] })),
      { name: 'load balancer', pids: [cluster.loadBalancer.pid] },
    ],
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}
