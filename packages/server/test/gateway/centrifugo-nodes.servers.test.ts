/**
 * Two real Centrifugo nodes with the configuration that we print for them, one Redis and one JetStream: what one node has read
 * reaches subscribers of the other, and that is so again after Redis, or a node, was away.
 */
import { silentLog, systemClock, type Bus } from '@conclave/platform';
import { openNatsBus } from '@conclave/platform/nats';
import {
  missingCentrifugo,
  missingNats,
  missingRedis,
  startCentrifugo,
  startNats,
  startRedis,
  type CentrifugoServer,
  type NatsServer,
  type RedisServer,
} from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  centrifugoConsumer,
  createCentrifugoApi,
  parseConfig,
  renderCentrifugoConfig,
} from '../../src/index.ts';
import { listen, tokenSecret, until, type Listener } from './serve-gateways.ts';

requireServer(
  missingNats(),
  missingCentrifugo(),
  missingRedis(),
)('two nodes of Centrifugo', () => {
  const apiKey = 'a key that only this test knows';
  const owned = new AsyncDisposableStack();
  let nats: NatsServer;
  let redis: RedisServer;
  let bus: Bus;
  let nodes: CentrifugoServer[];

  beforeAll(async () => {
    [nats, redis] = [owned.use(await startNats()), owned.use(await startRedis())];
    bus = await openNatsBus({
      url: nats.url,
      password: nats.password,
      stream: 'EVENTS',
      replicas: 1,
      retentionMs: 600_000,
      readers: [{ name: centrifugoConsumer, subjects: ['events.>'] }],
      clock: systemClock,
      log: silentLog,
    });
    owned.defer(() => bus.close());
    const config = parseConfig({
      bus: { engine: 'nats', url: nats.url },
      redis: { url: redis.url },
      gateway: { engine: 'centrifugo', publicUrl: 'https://live.example.org' },
    });
    const secrets = {
      tokenSecret,
      apiKey,
      busPassword: nats.password,
      redisPassword: redis.password,
      admin: undefined,
    };
    const start = () =>
      startCentrifugo({ render: (place) => renderCentrifugoConfig(config, secrets, place) });
    nodes = [owned.use(await start()), owned.use(await start())];
  });
  afterAll(() => owned.disposeAsync());

  let published = 0;
  async function say(channel: string, seq: number): Promise<void> {
    published += 1;
    const command = { method: 'publish', payload: { channel, data: { seq } } };
    await bus.publish(`events.group.${channel}`, Buffer.from(JSON.stringify(command)), {
      messageId: `node.${published}`,
    });
  }
  /** How many messages of the stream each node has read. */
  const readByEach = () =>
    Promise.all(
      nodes.map(async ({ apiUrl }) => {
        const text = await (await fetch(`${apiUrl}/metrics`)).text();
        const [, count] = /^centrifugo_consumers_messages_processed_total\{.*\} (\d+)/m.exec(text) ?? [];
        return Number(count ?? 0);
      }),
    );
  /** Publishes again and again until everybody has heard one of these. */
  async function untilHeard(channel: string, listeners: readonly Listener[], from: number): Promise<void> {
    for (let seq = from; listeners.some(({ heard }) => !heard.some((each) => each >= from)); seq += 1) {
      await say(channel, seq);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  test('what one has read reaches subscribers of both, once', async () => {
    const channel = 'group:both.0';
    using anna = await listen(nodes[0]!, channel);
    using bert = await listen(nodes[1]!, channel);
    const all = Array.from({ length: 200 }, (_, index) => index);
    for (const seq of all) await say(channel, seq);
    await until(() => anna.heard.length >= all.length && bert.heard.length >= all.length);
    // In the order of the stream if one node has read all of it; what two have read may be mixed.
    expect(anna.heard.toSorted((a, b) => a - b)).toEqual(all);
    expect(bert.heard).toEqual(anna.heard);
    const read = await readByEach();
    expect(read[0]! + read[1]!).toBe(all.length);
    // Neither has read what both have heard.
    expect(Math.max(...read)).toBeLessThan(all.length);
  });

  test('the API of one knows both, and ends subscriptions at the other', async () => {
    const api = createCentrifugoApi({ apiUrl: nodes[0]!.apiUrl, apiKey, clock: systemClock });
    using bert = await listen(nodes[1]!, 'group:ended.0');
    let known = 0;
    while (known !== 2) {
      known = (await api.info()).length;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await api.unsubscribe({ channel: 'group:ended.0', user: '' });
    await until(() => bert.left.length === 1);
    expect(bert.left).toEqual([{ code: 2000 }]);
  });

  test('go on when Redis has lost everything and is back, and when one of them dies', async () => {
    const channel = 'group:again.0';
    using anna = await listen(nodes[0]!, channel);
    using bert = await listen(nodes[1]!, channel);
    await say(channel, 1);
    await until(() => anna.heard.length === 1 && bert.heard.length === 1);
    await redis.restart();
    await untilHeard(channel, [anna, bert], 10);
    await nodes[0]!.kill();
    await untilHeard(channel, [bert], 1_000);
    expect(anna.heard.some((seq) => seq >= 1_000)).toBe(false);
  });
});
