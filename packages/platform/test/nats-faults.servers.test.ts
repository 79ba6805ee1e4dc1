/** The NATS bus when the server, its data, the network or a subscriber fails. */
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, headers, type NatsConnection } from '@nats-io/transport-node';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createMetrics, silentLog, systemClock, type Bus } from '@conclave/platform';
import { openNatsBus, type NatsBusLimits } from '@conclave/platform/nats';
import { codeOf } from '@conclave/testkit/contracts';
import { missingNats, startLink, startNats, type Link, type NatsServer } from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { startSilentProxy } from './silent-proxy.ts';

/** What NATS ends the beginning of a connection with. */
const isPong = (chunk: Buffer) => chunk.includes('PONG');

requireServer(missingNats())('the NATS bus', () => {
  let nats: NatsServer;
  let owned: { close(): Promise<unknown> }[];

  beforeEach(async () => {
    owned = [];
    nats = await startNats();
  });

  afterEach(async () => {
    nats.resume();
    for (const each of owned.reverse()) await each.close();
    await nats[Symbol.asyncDispose]();
  });

  const open = async (
    options: { url?: string; password?: string; retentionMs?: number; limits?: Partial<NatsBusLimits> } = {},
  ) => {
    const metrics = createMetrics();
    const bus = await openNatsBus({
      url: nats.url,
      password: nats.password,
      stream: 'EVENTS',
      replicas: 1,
      retentionMs: 3_600_000,
      clock: systemClock,
      log: silentLog,
      metrics,
      ...options,
    });
    owned.push(bus);
    return Object.assign(bus, { metrics });
  };

  const openLink = async (): Promise<Link & { url: string }> => {
    const link = await startLink('bus', { host: '127.0.0.1', port: nats.port });
    owned.push({ close: async () => await link[Symbol.asyncDispose]() });
    return Object.assign(link, { url: `nats://conclave@127.0.0.1:${link.port}` });
  };

  const openRaw = async (): Promise<NatsConnection> => {
    const connection = await connect({
      servers: `127.0.0.1:${nats.port}`,
      user: 'conclave',
      pass: nats.password,
    });
    owned.push({ close: () => connection.close() });
    return connection;
  };

  const encode = (text: string) => new TextEncoder().encode(text);

  /** What a subscriber hears, and the gaps that the bus tells. */
  const listen = async (bus: Bus, pattern = 'events.>') => {
    const heard: string[] = [];
    const gaps: (string | undefined)[] = [];
    bus.onGap((gap) => void gaps.push(gap));
    await bus.subscribe(pattern, async ({ messageId }) => void heard.push(messageId));
    return { heard, gaps };
  };

  /** Publishes as the relay does: again and again until it is accepted. */
  const insist = async (
    bus: Bus,
    messageId: string,
    options: { subject?: string; fence?: { isHeld(): boolean }; payload?: Uint8Array } = {},
  ) => {
    const { subject = 'events.a', fence, payload = encode('x') } = options;
    for (;;) {
      const code = await codeOf(bus.publish(subject, payload, { messageId, fence }));
      if (code === 'resolved') return;
      expect(['BUS_UNAVAILABLE', 'BUS_FENCED']).toContain(code);
      await delay(50);
    }
  };

  const held = () => ({ isHeld: () => true });

  describe('at the start', () => {
    test('makes the stream, as durable as it can be', async () => {
      await open();
      const manager = await jetstreamManager(await openRaw());
      expect((await manager.streams.info('EVENTS')).config).toMatchObject({
        subjects: ['events.>'],
        storage: 'file',
        retention: 'limits',
        discard: 'old',
        duplicate_window: 120e9,
        max_age: 3_600e9,
        republish: { src: 'events.>', dest: 'live.events.>' },
      });
    });

    test('says clearly what is wrong with a stream that is another one', async () => {
      const manager = await jetstreamManager(await openRaw());
      await manager.streams.add({ name: 'EVENTS', subjects: ['events.>', 'others'], storage: 'memory' });
      await expect(open()).rejects.toMatchObject({
        code: 'BUS_STREAM_MISMATCH',
        message: expect.stringMatching(
          /subjects is \["events.>","others"\] instead of \["events.>"\].*storage is "memory" instead of "file"/,
        ),
      });
    });

    test('says clearly that its subjects are those of another stream', async () => {
      const manager = await jetstreamManager(await openRaw());
      await manager.streams.add({ name: 'OTHER', subjects: ['events.group.*'] });
      await expect(open()).rejects.toMatchObject({ code: 'BUS_STREAM_MISMATCH' });
    });

    test('gives the stream the retention of the configuration', async () => {
      await open();
      await open({ retentionMs: 60_000 * 10 });
      const manager = await jetstreamManager(await openRaw());
      expect((await manager.streams.info('EVENTS')).config.max_age).toBe(600e9);
    });

    test('tells wrong credentials from a server that is away', async () => {
      expect(await codeOf(open({ password: 'wrong' }))).toBe('BUS_DENIED');
      await nats.kill();
      expect(await codeOf(open({ limits: { startTimeoutMs: 500 } }))).toBe('BUS_UNAVAILABLE');
    });

    test('waits for a server that is being started', async () => {
      await nats.kill();
      const opening = open();
      await nats.restart();
      expect(await codeOf((await opening).publish('events.a', encode('x'), { messageId: '1' }))).toBe(
        'resolved',
      );
    });

    test('is made once by processes that start together', async () => {
      const buses = await Promise.all([open(), open(), open(), open()]);
      for (const [index, bus] of buses.entries()) await insist(bus, String(index));
      const manager = await jetstreamManager(await openRaw());
      expect((await manager.streams.info('EVENTS')).state.messages).toBe(4);
    });
  });

  describe('when the server dies', () => {
    test('refuses while it is away, and goes on when it is back, with a gap told', async () => {
      const bus = await open();
      const { heard, gaps } = await listen(bus);
      await insist(bus, 'before');
      await nats.kill();
      expect(await codeOf(bus.publish('events.a', encode('x'), { messageId: 'lost?' }))).toBe(
        'BUS_UNAVAILABLE',
      );
      let available = 0;
      bus.onAvailable(() => (available += 1));
      await nats.restart();
      await insist(bus, 'after');
      await expect.poll(() => heard).toEqual(['before', 'after']);
      await expect.poll(() => available).toBeGreaterThan(0);
      await expect.poll(() => gaps).toContain(undefined);
    });

    test('with its data, makes the stream anew and loses nothing that is told again', async () => {
      const bus = await open();
      const { heard, gaps } = await listen(bus);
      const fence = held();
      for (let index = 0; index < 20; index += 1) await insist(bus, `before-${index}`, { fence });
      await nats.deleteData('after-kill');
      for (let index = 0; index < 20; index += 1) await insist(bus, `after-${index}`, { fence });
      const expected = ['before', 'after'].flatMap((when) =>
        Array.from({ length: 20 }, (_, i) => `${when}-${i}`),
      );
      await expect.poll(() => heard).toEqual(expected);
      expect(gaps).toContain(undefined);
    });

    test('loses its data under its hands: the stream is made anew once it stores nothing any more', async () => {
      const bus = await open({ limits: { acknowledgementMs: 500 } });
      const { heard, gaps } = await listen(bus);
      const fence = held();
      const payload = new Uint8Array(256 * 1024);
      await insist(bus, 'before', { fence, payload });
      await nats.deleteData('while-running');
      const ids = Array.from({ length: 60 }, (_, index) => `after-${index}`);
      for (const id of ids) await insist(bus, id, { fence, payload });
      await expect.poll(() => heard).toEqual(['before', ...ids]);
      expect(gaps).toContain(undefined);
      expect(await bus.metrics.exposition()).toContain('conclave_bus_streams_made_total 2');
    });

    test('without JetStream data but with other processes: each goes on, in order', async () => {
      const [first, second] = [await open(), await open()];
      const { heard } = await listen(await open());
      const [one, two] = [held(), held()];
      for (let index = 0; index < 5; index += 1) {
        await insist(first, `one-${index}`, { subject: 'events.one', fence: one });
        await insist(second, `two-${index}`, { subject: 'events.two', fence: two });
        if (index === 2) {
          const manager = await jetstreamManager(await openRaw());
          await manager.streams.delete('EVENTS');
        }
      }
      await expect.poll(() => heard.length).toBe(10);
      for (const name of ['one', 'two']) {
        expect(heard.filter((id) => id.startsWith(name))).toEqual([0, 1, 2, 3, 4].map((i) => `${name}-${i}`));
      }
    });

    test('is only stopped: publications are refused in time, and each is heard once when it goes on', async () => {
      const bus = await open({ limits: { acknowledgementMs: 300 } });
      const { heard } = await listen(bus);
      const fence = held();
      await insist(bus, '1', { fence });
      nats.pause();
      const publish = (id: number) =>
        codeOf(bus.publish('events.a', encode('x'), { messageId: `${id}`, fence }));
      // It may finish what it has begun.
      let last = 2;
      while ((await publish(last)) === 'resolved') last += 1;
      expect(await publish(last)).toBe('BUS_UNAVAILABLE');
      nats.resume();
      await insist(bus, `${last}`, { fence });
      await insist(bus, `${last + 1}`, { fence });
      await expect.poll(() => heard).toEqual(Array.from({ length: last + 1 }, (_, index) => `${index + 1}`));
    });
  });

  describe('when the network fails', () => {
    test('each message is heard once and in order, whatever acknowledgements are lost', async () => {
      const link = await openLink();
      const bus = await open({ url: link.url, limits: { acknowledgementMs: 500 } });
      const { heard } = await listen(await open());
      const fence = held();
      const ended = new AbortController();
      const cutting = (async () => {
        while (!ended.signal.aborted) {
          await delay(Math.random() * 60);
          link.cut();
          await delay(Math.random() * 20);
          link.restore();
          await delay(600);
        }
      })();
      const ids = Array.from({ length: 3_000 }, (_, index) => String(index));
      for (const id of ids) await insist(bus, id, { fence });
      ended.abort();
      await cutting;
      await expect.poll(() => heard.length).toBe(ids.length);
      expect(heard).toEqual(ids);
    });

    test('a late publication of a former holder is refused', async () => {
      const link = await openLink();
      const former = await open({ url: link.url, limits: { acknowledgementMs: 10_000 } });
      const successor = await open();
      const { heard } = await listen(successor);
      let isHeld = true;
      const [old, current] = [{ isHeld: () => isHeld }, held()];
      await insist(former, 'm1', { fence: old });
      link.stall();
      const late = codeOf(former.publish('events.a', encode('x'), { messageId: 'late', fence: old }));
      // In the network already, and held when it was sent.
      await delay(50);
      isHeld = false;
      await insist(successor, 'm2', { fence: current });
      await insist(successor, 'm3', { fence: current });
      link.restore();
      expect(await late).toBe('BUS_FENCED');
      await insist(successor, 'm4', { fence: current });
      await expect.poll(() => heard).toEqual(['m1', 'm2', 'm3', 'm4']);
    });

    test('a late publication that the successor repeats is heard once', async () => {
      const link = await openLink();
      const former = await open({ url: link.url });
      const successor = await open();
      const { heard } = await listen(successor);
      const [old, current] = [held(), held()];
      await insist(former, 'm1', { fence: old });
      link.stall();
      const late = codeOf(former.publish('events.a', encode('x'), { messageId: 'm2', fence: old }));
      // The successor knows the last sequence before the late one arrives.
      await insist(successor, 'm1', { fence: current });
      link.restore();
      expect(await late).toBe('resolved');
      for (const id of ['m2', 'm3']) await insist(successor, id, { fence: current });
      await expect.poll(() => heard).toEqual(['m1', 'm2', 'm3']);
    });

    test('a subscriber that was cut off is told so, and hears what comes after', async () => {
      const link = await openLink();
      const far = await open({ url: link.url });
      const near = await open();
      const { heard, gaps } = await listen(far, 'events.a');
      await insist(near, '1');
      await expect.poll(() => heard).toEqual(['1']);
      link.cut();
      await insist(near, '2');
      link.restore();
      await expect.poll(() => gaps).toEqual([undefined]);
      await insist(near, '3');
      await expect.poll(() => heard).toEqual(['1', '3']);
    });

    test('a server that comes back and does not answer at first: the gap is told when it does', async () => {
      const proxy = await startSilentProxy(nats.port, () => isPong);
      owned.push(proxy);
      const limits = { subscribeTimeoutMs: 100, acknowledgementMs: 200 };
      const far = await open({ url: `nats://conclave@127.0.0.1:${proxy.port}`, limits });
      const near = await open();
      let available = 0;
      far.onAvailable(() => (available += 1));
      const { heard, gaps } = await listen(far, 'events.a');
      await insist(near, '1');
      await expect.poll(() => heard).toEqual(['1']);
      proxy.isSilent = true;
      proxy.cutAll();
      await insist(near, '2');
      // Connected, and several times longer without an answer than the bus waits for one.
      await expect.poll(() => proxy.silenced).toBe(1);
      await delay(500);
      expect([gaps, available]).toEqual([[], 0]);
      proxy.releaseAll();
      await expect.poll(() => gaps).toEqual([undefined]);
      await expect.poll(() => available).toBeGreaterThan(0);
      await insist(near, '3');
      await expect.poll(() => heard).toEqual(['1', '3']);
    });

    test('subscribing while the server is away fails in time, and leaves nothing', async () => {
      const bus = await open({ limits: { subscribeTimeoutMs: 300 } });
      await nats.kill();
      expect(await codeOf(bus.subscribe('events.a', async () => {}))).toBe('BUS_UNAVAILABLE');
      await nats.restart();
      const { heard } = await listen(bus);
      await insist(bus, '1');
      await expect.poll(() => heard).toEqual(['1']);
    });
  });

  describe('gaps', () => {
    test('are told by the subject when a message follows one that was not heard', async () => {
      const bus = await open();
      const { heard, gaps } = await listen(bus);
      const fence = held();
      await insist(bus, '1', { fence });
      await insist(bus, '2', { fence });
      await insist(bus, '1', { subject: 'events.b', fence });
      await expect.poll(() => heard.length).toBe(2);
      expect(gaps).toEqual([]);
      // As the stream would republish the one after the next.
      const raw = await openRaw();
      const head = headers();
      head.set('Nats-Msg-Id', '4');
      head.set('Nats-Sequence', String(Number.MAX_SAFE_INTEGER));
      head.set('Nats-Last-Sequence', String(Number.MAX_SAFE_INTEGER - 1));
      raw.publish('live.events.a', encode('x'), { headers: head });
      await expect.poll(() => gaps).toEqual(['events.a']);
      await expect.poll(() => heard.at(-1)).toBe('4');
    });

    test('are told for a subscriber that is too slow, whose memory is bounded, and for nobody else', async () => {
      const bus = await open({ limits: { maxQueued: 10 } });
      const fast = await listen(bus, 'events.a');
      const release = Promise.withResolvers<void>();
      const slow: string[] = [];
      await bus.subscribe('events.*', async ({ messageId }) => {
        await release.promise;
        slow.push(messageId);
      });
      const ids = Array.from({ length: 100 }, (_, index) => String(index));
      for (const id of ids) await insist(bus, id);
      await expect.poll(() => fast.heard).toEqual(ids);
      release.resolve();
      await expect.poll(() => slow.at(-1)).toBe('99');
      expect(slow.length).toBeLessThanOrEqual(11);
      expect(new Set(fast.gaps)).toEqual(new Set(['events.*']));
    });

    test('what others write to the live subjects without being the stream is not heard', async () => {
      const bus = await open();
      const { heard } = await listen(bus);
      const raw = await openRaw();
      raw.publish('live.events.a', encode('forged'));
      await raw.flush();
      await insist(bus, 'true');
      await expect.poll(() => heard).toEqual(['true']);
    });
  });

  test('a bus that has no room says so', async () => {
    await using small = await startNats({ maxStoreBytes: 4 * 1024 * 1024 });
    const bus = await open({ url: small.url, password: small.password, retentionMs: 60_000 });
    const codes = new Set<string>();
    for (let index = 0; index < 60 && !codes.has('BUS_FULL'); index += 1) {
      codes.add(
        await codeOf(bus.publish('events.a', new Uint8Array(256 * 1024), { messageId: String(index) })),
      );
    }
    expect([...codes]).toEqual(['resolved', 'BUS_FULL']);
    await bus.close();
  });

  test('no log line and no error holds the password', async () => {
    const lines: string[] = [];
    const note = (fields: object, message: string) => {
      lines.push(message, JSON.stringify(fields), String('err' in fields ? (fields.err as Error).stack : ''));
    };
    const log = { debug: note, info: note, warn: note, error: note };
    const options = {
      url: nats.url,
      stream: 'EVENTS',
      replicas: 1,
      retentionMs: 3_600_000,
      clock: systemClock,
      log,
    };
    const failure = await openNatsBus({ ...options, password: 'not-the-password' }).catch(
      (error: unknown) => error,
    );
    const bus = await openNatsBus({ ...options, password: nats.password });
    owned.push(bus);
    await nats.restart();
    await insist(bus, '1');
    const { inspect } = await import('node:util');
    const text = `${inspect(failure, { depth: 10 })}\n${lines.join('\n')}`;
    expect(text).not.toContain('not-the-password');
    expect(text).not.toContain(nats.password);
    expect(lines.length).toBeGreaterThan(0);
  });
});
