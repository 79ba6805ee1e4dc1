/** The embedded gateway fed by a real JetStream: the contract, and what happens when the stream is lost or the link is cut. */
import { createMetrics, isTransientBusError, silentLog, systemClock, type Bus } from '@conclave/platform';
import { openNatsBus } from '@conclave/platform/nats';
import { gatewayContract, gatewayContractSettings } from '@conclave/testkit/contracts';
import { missingNats, startNats, type NatsServer } from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  listen,
  say,
  serveGateway,
  tokenKey,
  until,
  type Listener,
  type ServedGateway,
} from './serve-gateways.ts';

requireServer(missingNats())('on JetStream', () => {
  let nats: NatsServer;
  let relayBus: Bus;
  let gatewayBuses: Bus[];
  let gateways: ServedGateway[];

  const openBus = (): Promise<Bus> =>
    openNatsBus({
      url: nats.url,
      password: nats.password,
      stream: 'EVENTS',
      replicas: 1,
      retentionMs: 600_000,
      clock: systemClock,
      log: silentLog,
      metrics: createMetrics(),
    });

  beforeAll(async () => {
    nats = await startNats();
    relayBus = await openBus();
    gatewayBuses = [await openBus(), await openBus()];
    const { historySize, historyTtlMs, allowedOrigin } = gatewayContractSettings;
    gateways = await Promise.all(
      gatewayBuses.map((bus) => serveGateway(bus, { historySize, historyTtlMs }, [allowedOrigin])),
    );
  });
  afterAll(async () => {
    for (const gateway of gateways) await gateway[Symbol.asyncDispose]();
    for (const bus of [...gatewayBuses, relayBus]) await bus.close();
    await nats[Symbol.asyncDispose]();
  });

  let published = 0;
  gatewayContract('the embedded gateway on JetStream', () => ({
    url: gateways[0]!.url,
    tokenKey,
    async command(group, method, payload) {
      published += 1;
      await relayBus.publish(`events.group.${group}`, Buffer.from(JSON.stringify({ method, payload })), {
        messageId: `contract.${published}`,
      });
    },
  }));

  test('two gateways hear the same; after the stream was lost both tell their clients, and go on', async () => {
    const [a, b] = gateways as [ServedGateway, ServedGateway];
    using anna = await listen(a, 'group:lost.0');
    using ben = await listen(b, 'group:lost.0');
    for (let seq = 1; seq <= 3; seq += 1) await say(relayBus, 'lost', seq);
    await until(() => anna.heard.length === 3 && ben.heard.length === 3);
    await nats.deleteData('after-kill');
    await until(() => anna.subscribed.length >= 2 && ben.subscribed.length >= 2);
    for (const listener of [anna, ben]) {
      expect(listener.left[0]).toEqual({ code: 2500 });
      expect(listener.subscribed.at(-1)).toMatchObject({ wasRecovering: true, recovered: false });
    }
    // What is said before a gateway has found the new stream is lost to it, and then its clients are told once more.
    const last = await sayUntilBothHear(anna, ben, 4);
    for (const { heard, subscribed } of [anna, ben]) {
      expect(heard.slice(0, 3)).toEqual([1, 2, 3]);
      expect(heard).toEqual([...new Set(heard)].toSorted((x, y) => x - y));
      expect(last - heard.length).toBeLessThanOrEqual(subscribed.length - 2);
    }
  });

  test('who subscribes while the bus is away is told to try again, and is subscribed when it is back', async () => {
    const [gateway] = gateways as [ServedGateway];
    const refusals: unknown[] = [];
    await nats.kill();
    const listening = listen(gateway, 'group:patient.0', (error) => refusals.push(error));
    await until(() => refusals.length > 0);
    expect(refusals[0]).toMatchObject({ error: { code: 100 } });
    await nats.restart();
    using anna = await listening;
    await sayUntilAccepted(1, 'patient');
    await until(() => anna.heard.length === 1);
    expect(anna.heard).toEqual([1]);
  });

  test('a bus that hangs ends the wait of who subscribes, and nothing else', async () => {
    const [gateway] = gateways as [ServedGateway];
    using before = await listen(gateway, 'group:hang.0');
    const refusals: unknown[] = [];
    nats.pause();
    const listening = listen(gateway, 'group:hang2.0', (error) => refusals.push(error));
    await until(() => refusals.length > 0);
    expect(before.client.state).toBe('connected');
    nats.resume();
    using after = await listening;
    await sayUntilAccepted(1, 'hang2');
    await until(() => after.heard.includes(1));
    await sayUntilAccepted(1, 'hang');
    await until(() => before.heard.includes(1));
    expect([before.heard, after.heard]).toEqual([[1], [1]]);
  });

  /** Resolves with the number that both heard. Who neither hears one nor is told that it may have missed some keeps it waiting. */
  async function sayUntilBothHear(a: Listener, b: Listener, first: number): Promise<number> {
    for (let seq = first; ; seq += 1) {
      const told = [a, b].map(({ subscribed }) => subscribed.length);
      await sayUntilAccepted(seq);
      const isToldAgain = ({ heard, subscribed }: Listener, index: number): boolean =>
        !heard.includes(seq) && subscribed.length > told[index]!;
      const haveHeard = (): boolean => [a, b].every(({ heard }) => heard.includes(seq));
      await until(() => haveHeard() || [a, b].some(isToldAgain));
      if (haveHeard()) return seq;
    }
  }

  /** As the relay does it: again until the bus has accepted. */
  async function sayUntilAccepted(seq: number, group = 'lost'): Promise<void> {
    for (;;) {
      try {
        return await say(relayBus, group, seq);
      } catch (error) {
        if (!isTransientBusError(error)) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }
});
