/** One server process on SQLite: the smallest target. Its only faults are its own. */
import { join } from 'node:path';
import { startServerProcess } from '@conclave/testkit';
import type { ChaosTarget, ServerVictim } from './target.ts';

export async function startSingleServer(folder: string): Promise<ChaosTarget> {
  const server = await startServerProcess({ dataDirectory: join(folder, 'server') });
  const { firstAccountToken } = server;
  if (firstAccountToken === undefined) throw new Error('the server printed no token for the first account');
  const victim: ServerVictim = {
    name: 'p1',
    get pid() {
      return server.pid;
    },
    url: server.url,
    adminUrl: server.adminUrl,
    get output() {
      return server.output;
    },
    kill: () => server.kill(),
    pause: () => void process.kill(server.pid, 'SIGSTOP'),
    resume: () => void process.kill(server.pid, 'SIGCONT'),
    restart: () => server.restart(),
    stop: async () => void (await server.stop()),
  };
  return {
    url: server.url,
    servers: [victim],
    engines: [],
    links: [],
    firstAccountToken,
    about: 'one server process on SQLite',
    skewedProcesses: undefined,
    wipeBus: undefined,
    findRelayHolder: async () => victim,
    logs: () => new Map([['p1', server.output]]),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
