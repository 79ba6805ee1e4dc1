/**
 * What clients of an installation are promised, whichever gateway they talk to: the embedded one, or Centrifugo with the
 * configuration that `conclave config centrifugo` prints. Both are fed with the commands that features put into the outbox,
 * and spoken to by the official client.
 */
import { once } from 'node:events';
import { issueConnectionToken, issueSubscriptionToken } from '@conclave/gateway';
import { systemClock } from '@conclave/platform';
import {
  Centrifuge,
  type Options,
  type PublicationContext,
  type SubscribedContext,
  type Subscription,
  type SubscriptionOptions,
} from 'centrifuge';
import { Centrifuge as ProtobufCentrifuge } from 'centrifuge/build/protobuf';
import { EventSource } from 'eventsource';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';

export interface ContractGateway {
  /** The origin that clients connect to. */
  readonly url: string;
  readonly tokenKey: Uint8Array;
  /**
   * Says a server API command the way that the relay does: on the subject of `group`, which is that of its channels.
   * Resolves when the bus has accepted it.
   */
  command(group: string, method: string, payload: Readonly<Record<string, unknown>>): Promise<void>;
}

/** What the gateway under test has to be configured with. */
export const gatewayContractSettings = {
  historySize: 5,
  historyTtlMs: 60_000,
  allowedOrigin: 'https://chat.example.org',
} as const;

const TRANSPORTS = ['websocket', 'websocket-protobuf', 'http_stream', 'http_stream-protobuf', 'sse'] as const;
type TransportName = (typeof TRANSPORTS)[number];

const inAnHour = (): number => systemClock.nowMs() + 3_600_000;
const aMinuteAgo = (): number => systemClock.nowMs() - 60_000;
let channels = 0;

/** @param gateway is asked once the suite runs; it outlives it. */
export function gatewayContract(name: string, gateway: () => ContractGateway): void {
  /** Tests share the gateway, so each has channels of its own. */
  const newChannel = (): string => `group:contract${(channels += 1)}.0`;
  const connectionToken = (user = '', expiresAtMs = inAnHour()): Promise<string> =>
    issueConnectionToken(gateway().tokenKey, { user, expiresAtMs });
  const subscriptionToken = (channel: string, user = '', expiresAtMs = inAnHour()): Promise<string> =>
    issueSubscriptionToken(gateway().tokenKey, { user, channel, expiresAtMs });
  const say = (channel: string, method: string, payload: Readonly<Record<string, unknown>>): Promise<void> =>
    gateway().command(/^group:(.*)\.\d+$/.exec(channel)?.[1] ?? '', method, payload);
  const publish = (channel: string, n: number): Promise<void> =>
    say(channel, 'publish', { channel, data: { n } });

  function open(transport: TransportName = 'websocket', options: Partial<Options> = {}): OpenClient {
    const [kind, encoding] = transport.split('-') as [string, string | undefined];
    const { url } = gateway();
    const base = kind === 'websocket' ? url.replace('http', 'ws') : url;
    // Two builds of one class; their private parts make them different types.
    const Client =
      encoding === 'protobuf' ? (ProtobufCentrifuge as unknown as typeof Centrifuge) : Centrifuge;
    const client = new Client([{ transport: kind as 'websocket', endpoint: `${base}/connection/${kind}` }], {
      emulationEndpoint: `${url}/emulation`,
      eventsource: EventSource,
      websocket: WebSocket,
      getToken: () => connectionToken(),
      minReconnectDelay: 10,
      maxReconnectDelay: 50,
      ...options,
    });
    client.on('error', () => {});
    return { client, [Symbol.dispose]: () => client.disconnect() };
  }

  function follow(client: Centrifuge, channel: string, options: Partial<SubscriptionOptions> = {}): Followed {
    const subscription = client.newSubscription(channel, {
      getToken: () => subscriptionToken(channel),
      minResubscribeDelay: 10,
      maxResubscribeDelay: 50,
      ...options,
    });
    const heard: number[] = [];
    subscription.on('publication', ({ data }: PublicationContext) => heard.push(read(data).n));
    subscription.on('error', () => {});
    subscription.subscribe();
    return { subscription, heard };
  }

  async function subscribed(transport?: TransportName): Promise<Followed & OpenClient & { channel: string }> {
    const opened = open(transport);
    const channel = newChannel();
    const followed = follow(opened.client, channel);
    const ready = next(followed.subscription, 'subscribed');
    opened.client.connect();
    await ready;
    return { ...opened, ...followed, channel };
  }

  describe(`${name}: a client`, () => {
    test.each(TRANSPORTS)('hears over %s what is published, in order', async (transport) => {
      using listener = await subscribed(transport);
      for (let n = 1; n <= 40; n += 1) await publish(listener.channel, n);
      await until(() => listener.heard.length === 40);
      expect(listener.heard).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
    });

    test('hears a publication once, though it was told twice under one idempotency key', async () => {
      using listener = await subscribed();
      const { channel } = listener;
      const once = { channel, data: { n: 1 }, idempotency_key: `${channel}.1` };
      await say(channel, 'publish', once);
      await say(channel, 'publish', once);
      await publish(channel, 2);
      await until(() => listener.heard.length === 2);
      expect(listener.heard).toEqual([1, 2]);
    });

    test('hears of no other channel, and nothing any more once it has unsubscribed', async () => {
      using listener = await subscribed();
      using other = await subscribed();
      await publish(other.channel, 1);
      await until(() => other.heard.length === 1);
      expect(listener.heard).toEqual([]);
      const ended = next(listener.subscription, 'unsubscribed');
      listener.subscription.unsubscribe();
      await ended;
      await publish(listener.channel, 1);
      await publish(other.channel, 2);
      await until(() => other.heard.length === 2);
      expect(listener.heard).toEqual([]);
    });

    test('may not publish (103), and knows no namespace but ours (102)', async () => {
      using listener = await subscribed();
      await expect(listener.subscription.publish({ forged: true })).rejects.toMatchObject({ code: 103 });
      const channel = 'nowhere:a';
      const { subscription } = follow(listener.client, channel);
      expect(await next(subscription, 'unsubscribed')).toMatchObject({ code: 102 });
    });
  });

  describe(`${name}: tokens`, () => {
    test('that are forged end the connection for good (3500)', async () => {
      const forged = await issueConnectionToken(new Uint8Array(32).fill(9), {
        user: '',
        expiresAtMs: inAnHour(),
      });
      using opened = open('websocket', { getToken: async () => forged });
      const ended = next(opened.client, 'disconnected');
      opened.client.connect();
      expect(await ended).toMatchObject({ code: 3500 });
    });

    test('that have expired are asked for anew', async () => {
      let asked = 0;
      using opened = open('websocket', {
        getToken: () => connectionToken('', (asked += 1) === 1 ? aMinuteAgo() : inAnHour()),
      });
      const channel = newChannel();
      let askedForChannel = 0;
      const { subscription } = follow(opened.client, channel, {
        getToken: () =>
          subscriptionToken(channel, '', (askedForChannel += 1) === 1 ? aMinuteAgo() : inAnHour()),
      });
      const ready = next(subscription, 'subscribed');
      opened.client.connect();
      await ready;
      expect([asked, askedForChannel]).toEqual([2, 2]);
    });

    test('are needed for every channel: none, and a forged one, is refused (103)', async () => {
      using opened = open();
      opened.client.connect();
      const bare = opened.client.newSubscription(newChannel());
      const refused = next(bare, 'unsubscribed');
      bare.subscribe();
      expect(await refused).toMatchObject({ code: 103 });
      const channel = newChannel();
      const forged = follow(opened.client, channel, {
        getToken: () =>
          issueSubscriptionToken(new Uint8Array(32).fill(9), {
            user: '',
            channel,
            expiresAtMs: inAnHour(),
          }),
      });
      expect(await next(forged.subscription, 'unsubscribed')).toMatchObject({ code: 103 });
      expect(opened.client.state).toBe('connected');
    });

    test.each([
      ['another channel', (): Promise<string> => subscriptionToken('group:other.0')],
      ['another user', (channel: string): Promise<string> => subscriptionToken(channel, 'mallory')],
    ])('for %s end the connection (3500)', async (_, tokenFor) => {
      using opened = open();
      const channel = newChannel();
      follow(opened.client, channel, { getToken: () => tokenFor(channel) });
      const ended = next(opened.client, 'disconnected');
      opened.client.connect();
      expect(await ended).toMatchObject({ code: 3500 });
    });
  });

  describe(`${name}: a client that was away`, () => {
    test.each(TRANSPORTS)('gets over %s everything that it missed, once and in order', async (transport) => {
      using listener = await subscribed(transport);
      using witness = await subscribedTo(listener.channel);
      await publish(listener.channel, 1);
      await until(() => listener.heard.length === 1);
      listener.client.disconnect();
      for (const n of [2, 3, 4]) await publish(listener.channel, n);
      await until(() => witness.heard.length === 4);
      const back = next<SubscribedContext>(listener.subscription, 'subscribed');
      listener.client.connect();
      expect(await back).toMatchObject({ wasRecovering: true, recovered: true });
      await publish(listener.channel, 5);
      await until(() => listener.heard.length === 5);
      expect(listener.heard).toEqual([1, 2, 3, 4, 5]);
    });

    test('is told when the history does not reach back far enough, and gets none of it', async () => {
      using listener = await subscribed();
      using witness = await subscribedTo(listener.channel);
      await publish(listener.channel, 1);
      await until(() => listener.heard.length === 1);
      listener.client.disconnect();
      const missed = gatewayContractSettings.historySize + 1;
      for (let n = 2; n < 2 + missed; n += 1) await publish(listener.channel, n);
      await until(() => witness.heard.length === 1 + missed);
      const back = next<SubscribedContext>(listener.subscription, 'subscribed');
      listener.client.connect();
      expect(await back).toMatchObject({ wasRecovering: true, recovered: false });
      await publish(listener.channel, 99);
      await until(() => listener.heard.includes(99));
      expect(listener.heard).toEqual([1, 99]);
    });

    test('is not told that it recovered from a position in another life of the stream', async () => {
      const channel = newChannel();
      using witness = await subscribedTo(channel);
      await publish(channel, 1);
      await until(() => witness.heard.length === 1);
      using opened = open();
      const { subscription } = follow(opened.client, channel, { since: { offset: 1, epoch: 'another' } });
      const ready = next<SubscribedContext>(subscription, 'subscribed');
      opened.client.connect();
      expect(await ready).toMatchObject({ wasRecovering: true, recovered: false });
    });
  });

  describe(`${name}: the server`, () => {
    test('ends the subscriptions to a channel with 2000, and its subscribers hear nothing more', async () => {
      using listener = await subscribed();
      using stays = await subscribed();
      const { channel } = listener;
      await publish(channel, 1);
      const ended = next(listener.subscription, 'unsubscribed');
      await say(channel, 'unsubscribe', { channel, user: '' });
      await publish(channel, 2);
      expect(await ended).toMatchObject({ code: 2000 });
      await publish(stays.channel, 1);
      await until(() => stays.heard.length === 1);
      expect(listener.heard).toEqual([1]);
      expect(listener.client.state).toBe('connected');
    });

    test.each(TRANSPORTS)('ends a connection over %s for good', async (transport) => {
      const user = `user${(channels += 1)}`;
      using opened = open(transport, { getToken: () => connectionToken(user) });
      const channel = newChannel();
      const { subscription } = follow(opened.client, channel, {
        getToken: () => subscriptionToken(channel, user),
      });
      const ready = next(subscription, 'subscribed');
      opened.client.connect();
      await ready;
      const ended = next(opened.client, 'disconnected');
      await say(channel, 'disconnect', { user });
      expect(await ended).toMatchObject({ code: 3503 });
    });
  });

  describe(`${name}: plain HTTP`, () => {
    test('gives an EventSource what is published, by the channels of its token', async () => {
      const channel = newChannel();
      const token = await issueConnectionToken(gateway().tokenKey, {
        user: '',
        expiresAtMs: inAnHour(),
        channels: [channel],
      });
      const url = new URL(`${gateway().url}/connection/uni_sse`);
      url.searchParams.set('cf_connect', JSON.stringify({ token }));
      const source = new EventSource(url);
      const pushes: { readonly connect?: { readonly subs: object } }[] = [];
      source.addEventListener('message', ({ data }) => void pushes.push(JSON.parse(String(data)) as object));
      await until(() => pushes.length === 1);
      expect(Object.keys(pushes[0]?.connect?.subs ?? {})).toEqual([channel]);
      await publish(channel, 1);
      await until(() => pushes.length === 2);
      expect(pushes[1]).toMatchObject({ channel, pub: { data: { n: 1 } } });
      source.close();
    });

    test('is for pages of our origins only, and so are WebSockets', async () => {
      const { url } = gateway();
      const connects = async (origin: string): Promise<boolean> => {
        const socket = new WebSocket(`${url.replace('http', 'ws')}/connection/websocket`, { origin });
        const opened = await Promise.race([
          once(socket, 'open').then(() => true),
          once(socket, 'close').then(() => false),
          once(socket, 'error').then(() => false),
        ]).catch(() => false);
        socket.on('error', () => {});
        socket.terminate();
        return opened;
      };
      expect(await connects(gatewayContractSettings.allowedOrigin)).toBe(true);
      expect(await connects('https://evil.example.org')).toBe(false);
      const refused = await fetch(`${url}/connection/http_stream`, {
        method: 'POST',
        headers: { origin: 'https://evil.example.org' },
        body: JSON.stringify({ id: 1, connect: { token: await connectionToken() } }),
      });
      expect(refused.headers.get('access-control-allow-origin')).toBeNull();
      await refused.body?.cancel();
    });
  });

  async function subscribedTo(channel: string): Promise<Followed & OpenClient> {
    const opened = open();
    const followed = follow(opened.client, channel);
    const ready = next(followed.subscription, 'subscribed');
    opened.client.connect();
    await ready;
    return { ...opened, ...followed };
  }
}

interface OpenClient extends Disposable {
  readonly client: Centrifuge;
}

interface Followed {
  readonly subscription: Subscription;
  /** `n` of what was published. */
  readonly heard: number[];
}

/** The protobuf client gets the JSON text as bytes. */
function read(data: unknown): { n: number } {
  return (data instanceof Uint8Array ? JSON.parse(Buffer.from(data).toString()) : data) as { n: number };
}

interface Emitter {
  // The client's own types name each event; here it is any of them.
  once(event: never, listener: never): unknown;
}

/** The arguments of the next `event`. */
async function next<T = unknown>(emitter: Emitter, event: string): Promise<T> {
  const { promise, resolve } = Promise.withResolvers<T>();
  const listener = (context: T): void => resolve(context);
  emitter.once(event as never, listener as never);
  return await promise;
}

/** Waits until it holds; the test's own time limit is the only one. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
