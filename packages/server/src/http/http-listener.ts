/**
 * Sockets for one handler: opening them on every address of a host name, and closing them within a time.
 *
 * `localhost` is 127.0.0.1 and ::1, and clients try either first, so both are bound. (fastify binds them too, but
 * leaves the second one without error handling and without an end.)
 */
import { lookup } from 'node:dns/promises';
import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { IncomingMessage } from 'node:http';
import type { Clock } from '@conclave/platform';

export interface HttpListenerDeps {
  readonly host: string;
  /** 0: the system chooses, the same for every address. */
  readonly port: number;
  readonly clock: Clock;
  readonly options: ServerOptions;
  readonly maxConnections: number;
  readonly onRequest: RequestListener;
  readonly onUpgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  readonly onClientError: (error: Error & { code?: string }, socket: Socket) => void;
}

export interface HttpListener {
  readonly port: number;
  /** The bound addresses. */
  readonly addresses: readonly string[];
  /**
   * Accepts nothing more, ends idle connections, lets running requests end for `graceMs`, then cuts what is left. A
   * client that is about to send over an idle connection loses: who must not lose is sent away first
   * (../health/drain.ts).
   */
  close(graceMs: number): Promise<void>;
}

export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly code = 'CONCLAVE_CANNOT_LISTEN';
  /** The system's code, e.g. EADDRINUSE. */
  readonly systemCode: string;

  constructor(host: string, port: number, systemCode: string, options: ErrorOptions) {
    const reason =
      systemCode === 'EADDRINUSE'
        ? 'another program listens there already'
        : systemCode === 'EACCES'
          ? 'the system does not allow it'
          : `the system answers ${systemCode}`;
    super(`cannot listen on ${host}:${port}: ${reason}`, options);
    this.systemCode = systemCode;
  }
}

/** Throws {@link ListenError}, with nothing left open. */
export async function openHttpListener(deps: HttpListenerDeps): Promise<HttpListener> {
  const servers: Server[] = [];
  const addresses: string[] = [];
  let { port } = deps;
  try {
    for (const address of await addressesOf(deps.host)) {
      const server = prepareServer(deps);
      try {
        port = await listen(server, address, port);
        servers.push(server);
        addresses.push(address);
      } catch (cause) {
        const code = systemCodeOf(cause);
        // A machine without IPv6 still resolves ::1; one bound address is enough then.
        if (servers.length > 0 && (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT' || deps.port === 0))
          continue;
        throw new ListenError(address, port, code, { cause });
      }
    }
  } catch (error) {
    await Promise.all(servers.map((server) => closeServer(server, 0, deps.clock)));
    throw error;
  }
  return {
    port,
    addresses,
    close: async (graceMs) => {
      await Promise.all(servers.map((server) => closeServer(server, graceMs, deps.clock)));
    },
  };
}

function prepareServer(deps: HttpListenerDeps): Server {
  const server = createServer(deps.options, deps.onRequest);
  server.maxConnections = deps.maxConnections;
  server.on('clientError', deps.onClientError);
  if (deps.onUpgrade !== undefined) server.on('upgrade', deps.onUpgrade);
  return server;
}

/** IPv4 first: without an answer on one family, clients fall back to it soonest. */
async function addressesOf(host: string): Promise<string[]> {
  if (host !== 'localhost') return [host];
  const found = await lookup(host, { all: true });
  return [...new Set(found.sort((a, b) => a.family - b.family).map(({ address }) => address))];
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

async function closeServer(server: Server, graceMs: number, clock: Clock): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeIdleConnections();
  using _cut = clock.schedule(graceMs, () => server.closeAllConnections());
  await closed;
}

function systemCodeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
}
