/**
 * A real nats-server with JetStream: a store of its own, a port that was free, a password that nobody knew before.
 *
 *   nats.conf (0600: user, password, store) ─▶ nats-server on 127.0.0.1:PORT ─▶ INFO names it: is it ours?
 *
 * Losing JetStream's data is one of the faults that an installation must survive, so it is one of the controls.
 */
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { missingProgram } from './find-program.ts';
import { onFreePort } from './free-port.ts';
import { startRealServer, type LauncherOptions, type RealServer } from './real-server.ts';
import { createServerFolder } from './server-folder.ts';

export interface NatsOptions extends LauncherOptions {
  /** The largest message, headers included. By default that of nats-server: 1 MiB. */
  readonly maxPayloadBytes?: number;
  /** How much JetStream may store. */
  readonly maxStoreBytes?: number;
}

export interface NatsServer extends RealServer {
  /** `nats://conclave@127.0.0.1:PORT`, without the password. */
  readonly url: string;
  readonly port: number;
  readonly password: string;
  readonly passwordFile: string;
  /**
   * Removes everything that JetStream has stored. `after-kill`: the server is killed, its data removed, and it is started
   * again. `while-running`: the files vanish under its hands, and it is left as it is.
   */
  deleteData(how: 'after-kill' | 'while-running'): Promise<void>;
}

/** What is missing to start one, or undefined. */
export function missingNats(): string | undefined {
  return missingProgram('nats-server');
}

export async function startNats(options: NatsOptions = {}): Promise<NatsServer> {
  const folder = await createServerFolder({ name: 'nats', folder: options.folder });
  try {
    const { value: password, file: passwordFile } = await folder.secret('password');
    const { value: name } = await folder.secret('server-name');
    const store = join(folder.path, 'store');

    const start = async (port: number): Promise<NatsServer> => {
      const configuration = await folder.write(
        'nats.conf',
        [
          `listen: "127.0.0.1:${port}"`,
          `server_name: "${name}"`,
          `jetstream { store_dir: "${store}", max_file_store: ${options.maxStoreBytes ?? 4 * 2 ** 30} }`,
          `authorization { user: "conclave", password: "${password}" }`,
          ...(options.maxPayloadBytes === undefined ? [] : [`max_payload: ${options.maxPayloadBytes}`]),
          '',
        ].join('\n'),
      );
      const server = await startRealServer({
        name: 'NATS',
        program: 'nats-server',
        arguments: ['-c', configuration],
        folder: folder.path,
        probe: (signal) => assertOurs(port, name, signal),
        async dispose() {
          await folder[Symbol.asyncDispose]();
        },
      });
      return {
        url: `nats://conclave@127.0.0.1:${port}`,
        port,
        password,
        passwordFile,
        name: server.name,
        get pid() {
          return server.pid;
        },
        get output() {
          return server.output;
        },
        kill: () => server.kill(),
        pause: () => server.pause(),
        resume: () => server.resume(),
        restart: () => server.restart(),
        stop: (timeoutMs) => server.stop(timeoutMs),
        async deleteData(how) {
          if (how === 'after-kill') await server.kill();
          await rm(store, { recursive: true, force: true, maxRetries: 5 });
          if (how === 'after-kill') await server.restart();
        },
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      };
    };
    return await (options.port === undefined ? onFreePort(start) : start(options.port));
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    throw error;
  }
}

/** A NATS server says its name before it asks for anything; only ours knows this one. */
async function assertOurs(port: number, name: string, signal: AbortSignal): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', signal });
  try {
    const [first] = (await once(socket, 'data', { signal })) as [Buffer];
    const info: unknown = JSON.parse(/^INFO (\{.*\})/.exec(first.toString('utf8'))?.[1] ?? 'null');
    if (typeof info !== 'object' || info === null || !('server_name' in info) || info.server_name !== name) {
      throw new Error('another server answers at this port');
    }
    if (!('jetstream' in info) || info.jetstream !== true) throw new Error('JetStream is not ready');
  } finally {
    socket.destroy();
  }
}
