/** One server process on SQLite: the smallest target. Its only faults are its own. */
import { join } from 'node:path';
import { startServerProcess } from '@conclave/testkit';
import { serverVictim } from './server-victim.ts';
import type { ChaosTarget } from './target.ts';

export async function startSingleServer(folder: string): Promise<ChaosTarget> {
  const server = await startServerProcess({ dataDirectory: join(folder, 'server') });
  const { firstAccountToken } = server;
  if (firstAccountToken === undefined) throw new Error('the server printed no token for the first account');
  const victim = serverVictim('p1', server, 0);
  return {
    url: server.url,
    servers: [victim],
    engines: [],
    loadBalancer: undefined,
    links: [],
    firstAccountToken,
    about: 'one server process on SQLite',
    skew: 'unwanted',
    wipeBus: undefined,
    findRelayHolder: async () => victim,
    logs: () => new Map([['p1', server.output]]),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
