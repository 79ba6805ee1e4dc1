/**
 * A real Centrifugo (version 6) with the configuration that the caller renders for its ports, in a folder of its own.
 *
 *   render({ port, … }) ─▶ centrifugo.json (0600, with a node name that nobody else knows) ─▶ centrifugo checkconfig
 *       ─▶ centrifugo on 127.0.0.1:PORT and an internal port ─▶ /api/info names the node: is it ours?
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { createCentrifugoApi } from '@conclave/server';
import { systemClock } from '@conclave/platform';
import { findProgram, missingProgram } from './find-program.ts';
import { findFreePort, onFreePort } from './free-port.ts';
import { startRealServer, type LauncherOptions, type RealServer } from './real-server.ts';
import { createServerFolder } from './server-folder.ts';

/** Where it is to listen: both on 127.0.0.1. */
export interface CentrifugoPlace {
  readonly address: string;
  /** Clients. */
  readonly port: number;
  readonly internalAddress: string;
  /** API, metrics, health. */
  readonly internalPort: number;
}

export interface CentrifugoOptions extends LauncherOptions {
  /** Otherwise a free one. */
  readonly internalPort?: number | undefined;
  /** The configuration as JSON, `renderCentrifugoConfig` for one. It must set `http_api.key`. */
  readonly render: (place: CentrifugoPlace) => string;
}

export interface CentrifugoServer extends RealServer {
  /** The origin for clients. */
  readonly url: string;
  /** The origin of the API. */
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly configurationFile: string;
}

/** What is missing to start one, or undefined. */
export function missingCentrifugo(): string | undefined {
  return missingProgram('centrifugo');
}

export async function startCentrifugo(options: CentrifugoOptions): Promise<CentrifugoServer> {
  const folder = await createServerFolder({ name: 'centrifugo', folder: options.folder });
  const start = async (port: number): Promise<CentrifugoServer> => {
    const internalPort = options.internalPort ?? (await findFreePort());
    const place = { address: '127.0.0.1', port, internalAddress: '127.0.0.1', internalPort };
    const { value: nodeName } = await folder.secret('node-name');
    const configuration = JSON.parse(options.render(place)) as { http_api: { key: string } };
    const configurationFile = await folder.write(
      'centrifugo.json',
      JSON.stringify({ ...configuration, node: { name: nodeName } }),
    );
    await checkConfiguration(configurationFile, folder.path);
    const apiUrl = `http://127.0.0.1:${internalPort}`;
    const apiKey = configuration.http_api.key;
    const api = createCentrifugoApi({ apiUrl, apiKey, clock: systemClock, attempts: 1 });
    const server = await startRealServer({
      name: 'Centrifugo',
      program: 'centrifugo',
      arguments: ['-c', configurationFile],
      folder: folder.path,
      async probe() {
        const nodes = await api.info();
        if (!nodes.some(({ name }) => name === nodeName))
          throw new Error('another server answers at this port');
      },
      async dispose() {
        await folder[Symbol.asyncDispose]();
      },
    });
    return {
      url: `http://127.0.0.1:${port}`,
      apiUrl,
      apiKey,
      configurationFile,
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
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  };
  try {
    return await (options.port === undefined ? onFreePort(start) : start(options.port));
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    throw error;
  }
}

/** Centrifugo's own check, which names what is wrong; it exits with a code other than 0. */
async function checkConfiguration(file: string, cwd: string): Promise<void> {
  const program = findProgram('centrifugo');
  if (program === undefined) throw new Error('centrifugo is not installed: see scripts/ensure-servers.sh');
  await promisify(execFile)(program, ['checkconfig', '-c', file], { cwd, timeout: 10_000 });
}
