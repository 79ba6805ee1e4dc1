/**
 * Embedded gateways as several processes have them: each with an HTTP server and a view of the bus of its own. What a feature
 * would enqueue is said with `say` and `remove`.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { issueConnectionToken, issueSubscriptionToken } from '@conclave/gateway';
import { createMetrics, silentLog, systemClock, systemRandom, type Bus } from '@conclave/platform';
import { Centrifuge, type PublicationContext, type SubscribedContext, type Subscription } from 'centrifuge';
import { WebSocket } from 'ws';
import { parseConfig, type ConfigInput } from '../../src/index.ts';
import { tokenKeyOf } from '../../src/gateway/gateway-secrets.ts';
import { startGateway, type RunningGateway } from '../../src/gateway/start-gateway.ts';

export const tokenSecret = 'a secret of more than thirty-two characters';
export const tokenKey = tokenKeyOf(tokenSecret);

export interface ServedGateway extends AsyncDisposable {
  readonly url: string;
  readonly gateway: RunningGateway;
}

export async function serveGateway(
  bus: Bus,
  settings: ConfigInput['gateway'] = {},
  allowedOrigins: readonly string[] = [],
): Promise<ServedGateway> {
  const config = parseConfig({ gateway: settings });
  const gateway = startGateway({
    bus,
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    metrics: createMetrics(),
    settings: config.gateway,
    listen: config.listen,
    hasRole: true,
    allowedOrigins,
    tokenSecret,
    apiKey: '',
    clientAddress: () => 'test',
  });
  const server = createServer((request, response) => {
    if (!gateway.handleRequest(request, response)) response.writeHead(404).end();
  });
  server.on('upgrade', (request, socket, head) => {
    if (!gateway.handleUpgrade(request, socket, head)) socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    gateway,
    async [Symbol.asyncDispose]() {
      await gateway.close();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export interface Listener extends Disposable {
  readonly client: Centrifuge;
  readonly subscription: Subscription;
  /** `seq` of what was published, in the order of arrival. */
  readonly heard: number[];
  readonly subscribed: SubscribedContext[];
  readonly left: { readonly code: number }[];
  /** From now on it connects to another gateway, as behind a load balancer. */
  moveTo(gateway: { readonly url: string }): void;
}

/** Connects and subscribes; resolves once it is subscribed. */
export async function listen(
  gateway: { readonly url: string },
  channel: string,
  onError: (error: unknown) => void = () => {},
): Promise<Listener> {
  const claims = { user: '', expiresAtMs: Date.now() + 3_600_000 };
  let url = gateway.url;
  const client = new Centrifuge(
    [{ transport: 'websocket', endpoint: 'ws://replaced/connection/websocket' }],
    {
      token: await issueConnectionToken(tokenKey, claims),
      websocket: class extends WebSocket {
        constructor(_address: string, protocols?: string | string[]) {
          super(`${url.replace('http', 'ws')}/connection/websocket`, protocols);
        }
      },
      minReconnectDelay: 10,
      maxReconnectDelay: 50,
    },
  );
  const subscription = client.newSubscription(channel, {
    token: await issueSubscriptionToken(tokenKey, { ...claims, channel }),
    minResubscribeDelay: 10,
    maxResubscribeDelay: 50,
  });
  const listener: Listener = {
    client,
    subscription,
    heard: [],
    subscribed: [],
    left: [],
    moveTo(other) {
      url = other.url;
    },
    [Symbol.dispose]() {
      client.disconnect();
    },
  };
  client.on('error', () => {});
  subscription.on('error', onError);
  subscription.on('publication', ({ data }: PublicationContext) => listener.heard.push(data.seq));
  subscription.on('subscribed', (context) => listener.subscribed.push(context));
  subscription.on('subscribing', ({ code }) => {
    if (code !== 0) listener.left.push({ code });
  });
  subscription.on('unsubscribed', ({ code }) => listener.left.push({ code }));
  subscription.subscribe();
  client.connect();
  await until(() => listener.subscribed.length === 1);
  return listener;
}

/** What a feature enqueues for a frame. */
export async function say(bus: Bus, group: string, seq: number, epoch = 0): Promise<void> {
  await command(bus, group, `${seq}`, {
    method: 'publish',
    payload: { channel: `group:${group}.${epoch}`, data: { seq }, idempotency_key: `${group}.${seq}` },
  });
}

/** What it enqueues after a removal. */
export async function silence(bus: Bus, group: string, seq: number, epoch = 0): Promise<void> {
  await command(bus, group, `${seq}.unsubscribe`, {
    method: 'unsubscribe',
    payload: { channel: `group:${group}.${epoch}`, user: '' },
  });
}

async function command(bus: Bus, group: string, id: string, content: object): Promise<void> {
  await bus.publish(`events.group.${group}`, Buffer.from(JSON.stringify(content)), {
    messageId: `${group}.${id}`,
  });
}

/** Waits until it holds; the test's own time limit is the only one. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
