/** A real server on a free port with a data directory of its own; it can be stopped and started again on the same port. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, parseConfig, type ConclaveServer, type ConfigInput } from '@conclave/server';

export interface TestServer extends AsyncDisposable {
  readonly url: string;
  readonly dataDirectory: string;
  server: ConclaveServer;
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** What all servers of a test file are told first; `undefined`: everything is embedded. */
let engines: ConfigInput | undefined;

/** Decides what servers that are started from now on run on: the same tests are run on other engines by it. */
export function useEngines(config: ConfigInput | undefined): void {
  engines = config;
}

const wide = { burst: 100_000, perMinute: 1_000_000 };

export async function startTestServer(config: ConfigInput = {}): Promise<TestServer> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'conclave-sdk-'));
  let port = 0;
  const open = async (): Promise<ConclaveServer> => {
    const server = await createServer(
      parseConfig({
        dataDirectory,
        ...engines,
        ...config,
        listen: { host: '127.0.0.1', port, ...config.listen },
        admin: { enabled: false, ...config.admin },
        accounts: { registration: 'open', ...config.accounts },
        rateLimits: { ...wideLimits(), ...config.rateLimits },
        shutdown: { graceMs: 500 },
      }),
    );
    await server.listen();
    return server;
  };
  const server = await open();
  port = Number(new URL(server.url).port);
  const url = `http://127.0.0.1:${port}`;
  const running: TestServer = {
    url,
    dataDirectory,
    server,
    async stop() {
      await running.server.close();
    },
    async start() {
      running.server = await open();
    },
    async [Symbol.asyncDispose]() {
      await running.server.close();
      await rm(dataDirectory, { recursive: true, force: true });
    },
  };
  return running;
}

/** Limits are out of the way unless a test sets them. */
function wideLimits(): Record<string, typeof wide> {
  const names = Object.keys(parseConfig({}).rateLimits);
  return Object.fromEntries(names.map((name) => [name, wide]));
}
