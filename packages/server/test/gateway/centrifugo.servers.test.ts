/**
 * A real Centrifugo with the configuration that we print for it, fed by a real JetStream: the same contract as the embedded
 * gateway, its API, and that losing the stream does not leave it deaf.
 */
import { createMetrics, silentLog, systemClock, systemRandom, type Bus } from '@conclave/platform';
import { openNatsBus } from '@conclave/platform/nats';
import { gatewayContract, gatewayContractSettings } from '@conclave/testkit/contracts';
import {
  missingCentrifugo,
  missingNats,
  startCentrifugo,
  startLink,
  startNats,
  type CentrifugoServer,
  type NatsServer,
} from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  centrifugoConsumer,
  createCentrifugoApi,
  parseConfig,
  renderCentrifugoConfig,
} from '../../src/index.ts';
import { startGateway, type RunningGateway } from '../../src/gateway/start-gateway.ts';
import { listen, tokenKey, tokenSecret, until } from './serve-gateways.ts';

requireServer(missingNats(), missingCentrifugo())('Centrifugo', () => {
  const { historySize, historyTtlMs, allowedOrigin } = gatewayContractSettings;
  const apiKey = 'a key that only this test knows';
  let nats: NatsServer;
  let bus: Bus;
  let centrifugo: CentrifugoServer;
  /** What a server with this Centrifugo has of it. */
  let gateway: RunningGateway | undefined;

  const serverWith = (apiUrl: string): RunningGateway => {
    const { gateway: settings, listen: listenSettings } = parseConfig({});
    return startGateway({
      bus,
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
      metrics: createMetrics(),
      settings: { ...settings, engine: 'centrifugo', apiUrl },
      listen: listenSettings,
      hasRole: true,
      allowedOrigins: [],
      tokenSecret,
      apiKey,
      clientAddress: () => 'test',
    });
  };

  beforeAll(async () => {
    nats = await startNats();
    const made = Promise.withResolvers<void>();
    // The stream has to exist when Centrifugo starts.
    bus = await openNatsBus({
      url: nats.url,
      password: nats.password,
      stream: 'EVENTS',
      replicas: 1,
      retentionMs: 600_000,
      readers: [{ name: centrifugoConsumer, subjects: ['events.>'] }],
      onStreamMade() {
        made.resolve();
        gateway?.resetAll();
      },
      limits: { watchMs: 500 },
      clock: systemClock,
      log: silentLog,
      metrics: createMetrics(),
    });
    // It is told a moment after the stream was made, and then all clients come back: before there are any.
    await made.promise;
    const config = parseConfig({
      bus: { engine: 'nats', url: nats.url },
      gateway: { engine: 'centrifugo', publicUrl: 'https://live.example.org', historySize, historyTtlMs },
      listen: { allowedOrigins: [allowedOrigin] },
    });
    const secrets = {
      tokenSecret,
      apiKey,
      busPassword: nats.password,
      redisPassword: undefined,
      admin: undefined,
    };
    centrifugo = await startCentrifugo({ render: (place) => renderCentrifugoConfig(config, secrets, place) });
    gateway = serverWith(centrifugo.apiUrl);
  });
  afterAll(async () => {
    await gateway?.close();
    await centrifugo[Symbol.asyncDispose]();
    await bus.close();
    await nats[Symbol.asyncDispose]();
  });

  let published = 0;
  async function command(group: string, method: string, payload: object): Promise<void> {
    published += 1;
    const content = Buffer.from(JSON.stringify({ method, payload }));
    await bus.publish(`events.group.${group}`, content, { messageId: `contract.${published}` });
  }

  gatewayContract('Centrifugo', () => ({ url: centrifugo.url, tokenKey, command }));

  test('tells over its API how it is, and cuts subscribers off without the bus', async () => {
    const api = createCentrifugoApi({ apiUrl: centrifugo.apiUrl, apiKey, clock: systemClock });
    using anna = await listen(centrifugo, 'group:cut.0');
    using stays = await listen(centrifugo, 'group:cut.1');
    expect((await api.channels('group:cut.*')).get('group:cut.0')).toBe(1);
    // Nodes tell each other every few seconds. At least: the client library leaves a stream of a test before open now and then.
    const clients = async () => (await api.info()).reduce((sum, node) => sum + node.clients, 0);
    await expect.poll(clients, { timeout: 30_000 }).toBeGreaterThanOrEqual(2);
    nats.pause();
    await api.unsubscribe({ channel: 'group:cut.0', user: '' });
    await until(() => anna.left.length === 1);
    nats.resume();
    expect([anna.left, stays.left]).toEqual([[{ code: 2000 }], []]);
    const stranger = createCentrifugoApi({ apiUrl: centrifugo.apiUrl, apiKey: 'wrong', clock: systemClock });
    await expect(stranger.info()).rejects.toMatchObject({ code: 'CENTRIFUGO_REFUSED', isTransient: false });
  });

  test('does not show its API, metrics or admin pages to clients', async () => {
    for (const path of ['/api/info', '/metrics', '/health', '/admin/auth', '/']) {
      const answer = await fetch(centrifugo.url + path, { headers: { 'x-api-key': apiKey } });
      expect([path, answer.status]).toEqual([path, 404]);
    }
    expect((await fetch(`${centrifugo.apiUrl}/health`)).status).toBe(200);
    expect(await (await fetch(`${centrifugo.apiUrl}/metrics`)).text()).toContain('centrifugo_');
  });

  test('hears what is published after it was restarted, and after NATS was', async () => {
    using anna = await listen(centrifugo, 'group:again.0');
    await centrifugo.restart();
    await until(() => anna.subscribed.length >= 2);
    await command('again', 'publish', { channel: 'group:again.0', data: { seq: 1 } });
    await until(() => anna.heard.length === 1);
    expect(anna.heard).toEqual([1]);
    await nats.restart();
    for (let seq = 2; anna.heard.length === 1; seq += 1) {
      // As the relay does it: again until the bus has accepted, under the same id.
      await command('again', 'publish', { channel: 'group:again.0', data: { seq } }).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(anna.heard.length).toBeGreaterThan(1);
  });

  test('is not left deaf by the loss of the stream, and its clients come back to read what they missed', async () => {
    using anna = await listen(centrifugo, 'group:lost.0');
    await nats.deleteData('after-kill');
    // Nobody publishes: the server looks by itself.
    await until(() => anna.subscribed.length === 2);
    for (let seq = 1; anna.heard.length === 0; seq += 1) {
      await command('lost', 'publish', { channel: 'group:lost.0', data: { seq } }).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(anna.left.map(({ code }) => code)).not.toContain(2000);
  });

  test('that could not be reached when the stream was lost is told when it can', async () => {
    await using link = await startLink('api', {
      host: '127.0.0.1',
      port: Number(new URL(centrifugo.apiUrl).port),
    });
    const apart = serverWith(`http://127.0.0.1:${link.port}`);
    using anna = await listen(centrifugo, 'group:away.0');
    link.cut();
    apart.resetAll();
    // Longer than all attempts of one call take.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(anna.subscribed.length).toBe(1);
    link.restore();
    await until(() => anna.subscribed.length === 2);
    await apart.close();
  });
});
