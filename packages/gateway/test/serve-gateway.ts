/**
 * A gateway on a real HTTP server with real time, and official clients for it. Everything is closed by
 * `await using`.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomBytes } from 'node:crypto';
import { Centrifuge, type Options, type SubscriptionOptions } from 'centrifuge';
import { Centrifuge as ProtobufCentrifuge } from 'centrifuge/build/protobuf';
import { EventSource } from 'eventsource';
import {
  createGateway,
  issueConnectionToken,
  issueSubscriptionToken,
  type Clock,
  type Gateway,
  type GatewayDeps,
  type GatewayOptions,
} from '../src/index.ts';

export const TOKEN_SECRET = new Uint8Array(32).fill(7);

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  schedule(delayMs, task) {
    const timer = setTimeout(task, delayMs).unref();
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};

export type TransportName =
  | 'websocket'
  | 'websocket-protobuf'
  | 'http_stream'
  | 'http_stream-protobuf'
  | 'sse';

export const TRANSPORTS: readonly TransportName[] = [
  'websocket',
  'websocket-protobuf',
  'http_stream',
  'http_stream-protobuf',
  'sse',
];

export interface Served extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly server: Server;
  /** `http://127.0.0.1:port` */
  readonly url: string;
  /** A client that is not connected yet. */
  client(transport?: TransportName, options?: Partial<Options>): Centrifuge;
  connectionToken(claims?: Partial<Parameters<typeof issueConnectionToken>[1]>): Promise<string>;
  subscriptionToken(
    channel: string,
    claims?: { user?: string; expiresAtMs?: number; client?: string },
  ): Promise<string>;
  /** Options of a subscription whose tokens are fresh ones. */
  subscription(channel: string, user?: string): Partial<SubscriptionOptions>;
}

export interface ServeOptions extends Partial<GatewayOptions> {
  readonly deps?: Partial<GatewayDeps>;
  readonly port?: number;
}

export const NAMESPACES = {
  group: { historySize: 100, historyTtlMs: 60_000 },
  personal: {},
  room: { presence: true, joinLeave: true },
  open: { subscribeWithoutToken: true },
} as const;

export async function serveGateway({ deps, port = 0, ...options }: ServeOptions = {}): Promise<Served> {
  const gateway = createGateway(
    { clock: systemClock, random: { bytes: (length) => randomBytes(length) }, ...deps },
    {
      tokenSecret: TOKEN_SECRET,
      namespaces: NAMESPACES,
      ...options,
      timings: { sweepIntervalMs: 20, ...options.timings },
    },
  );
  const server = createServer((request, response) => {
    if (!gateway.handleRequest(request, response)) response.writeHead(404).end();
  });
  server.on('upgrade', (request, socket, head) => {
    if (!gateway.handleUpgrade(request, socket, head)) socket.destroy();
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const { port: bound } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${bound}`;
  const clients: Centrifuge[] = [];

  const connectionToken: Served['connectionToken'] = (claims = {}) =>
    issueConnectionToken(TOKEN_SECRET, { user: '', expiresAtMs: Date.now() + 3_600_000, ...claims });
  const subscriptionToken: Served['subscriptionToken'] = (channel, claims = {}) =>
    issueSubscriptionToken(TOKEN_SECRET, {
      user: '',
      channel,
      expiresAtMs: Date.now() + 3_600_000,
      ...claims,
    });

  return {
    gateway,
    server,
    url,
    connectionToken,
    subscriptionToken,
    subscription: (channel, user = '') => ({ getToken: () => subscriptionToken(channel, { user }) }),
    client(transport = 'websocket', clientOptions = {}) {
      const [name, encoding] = transport.split('-') as [string, string | undefined];
      const path = { websocket: 'websocket', http_stream: 'http_stream', sse: 'sse' }[name]!;
      const scheme = name === 'websocket' ? url.replace('http:', 'ws:') : url;
      // Two builds of one class; their private parts make them different types.
      const Client =
        encoding === 'protobuf' ? (ProtobufCentrifuge as unknown as typeof Centrifuge) : Centrifuge;
      const client = new Client(
        [{ transport: name as 'websocket', endpoint: `${scheme}/connection/${path}` }],
        {
          emulationEndpoint: `${url}/emulation`,
          eventsource: EventSource,
          getToken: () => connectionToken(),
          minReconnectDelay: 10,
          maxReconnectDelay: 50,
          ...clientOptions,
        },
      );
      // Unlistened errors are not what a test is about.
      client.on('error', () => {});
      clients.push(client);
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.disconnect();
      await gateway.close();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The arguments of the next `event`. */
export async function next<T = any>(
  emitter: { once(event: any, listener: any): unknown },
  event: string,
): Promise<T> {
  return await new Promise<T>((resolve) => {
    emitter.once(event, (context: T) => resolve(context));
  });
}

/** Waits until `condition` holds; the test's own time limit is the only one. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
