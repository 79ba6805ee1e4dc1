/**
 * A real Redis of its own: a port that was free, a password that nobody knew before, nothing written to disk. What Redis holds
 * may be lost, and a restart loses it.
 */
import { once } from 'node:events';
import { realpath } from 'node:fs/promises';
import { connect } from 'node:net';
import { missingProgram } from './find-program.ts';
import { onFreePort } from './free-port.ts';
import { startRealServer, type LauncherOptions, type RealServer } from './real-server.ts';
import { createServerFolder } from './server-folder.ts';

export interface RedisOptions extends LauncherOptions {
  /** Further lines of its configuration, such as `maxmemory 8mb`. */
  readonly settings?: readonly string[];
}

/** How to reach it: the URL has no password in it. */
export interface RedisAddress {
  readonly url: string;
  readonly password: string;
  readonly passwordFile: string;
}

export type RedisServer = RealServer & RedisAddress;

/** Why there is no Redis to start, or undefined. */
export function missingRedis(): string | undefined {
  return missingProgram('redis-server');
}

export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const { port } = options;
  return port === undefined ? await onFreePort((free) => launch(free, options)) : await launch(port, options);
}

async function launch(port: number, options: RedisOptions): Promise<RedisServer> {
  const folder = await createServerFolder({ name: 'redis', folder: options.folder });
  const { value: password, file: passwordFile } = await folder.secret('redis-password');
  const settings = [
    `port ${port}`,
    'bind 127.0.0.1',
    `requirepass ${password}`,
    `dir "${folder.path}"`,
    'save ""',
    'appendonly no',
    'databases 1',
    ...(options.settings ?? []),
  ];
  const server = await startRealServer({
    name: 'redis',
    program: 'redis-server',
    arguments: [await folder.write('redis.conf', `${settings.join('\n')}\n`)],
    folder: folder.path,
    async probe(signal) {
      // Ours accepts the password and works in this folder; another Redis at the port is not to be believed.
      const answer = await ask(port, `AUTH ${password}\r\nCONFIG GET dir\r\n`, signal);
      if (!answer.includes(`\r\n${await realpath(folder.path)}\r\n`))
        throw new Error('not ready, or another Redis');
    },
    dispose: async () => await folder[Symbol.asyncDispose](),
  });
  return Object.assign(server, { url: `redis://127.0.0.1:${port}`, password, passwordFile });
}

/** Everything that is answered to the lines. */
async function ask(port: number, lines: string, signal: AbortSignal): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', signal });
  try {
    await once(socket, 'connect', { signal });
    socket.end(`${lines}QUIT\r\n`);
    let answer = '';
    for await (const chunk of socket as AsyncIterable<Buffer>) answer += chunk.toString('latin1');
    return answer;
  } finally {
    socket.destroy();
  }
}
