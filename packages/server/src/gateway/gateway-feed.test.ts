import { createInProcessBus, createMetrics, silentLog, type Bus, type Clock } from '@conclave/platform';
import { createManualClock } from '@conclave/platform/testing';
import { describe, expect, it } from 'vitest';
import { createGatewayFeed, type GatewayFeedLimits } from './gateway-feed.ts';

/** A bus that counts its subscriptions, can refuse or never answer one, and tells of gaps when told to. */
function createWatchedBus(clock: Clock) {
  const inner = createInProcessBus({ clock, log: silentLog });
  const active: string[] = [];
  const listeners = new Set<(pattern: string | undefined) => void>();
  let next: 'serve' | 'refuse' | 'hang' = 'serve';
  const bus: Bus = {
    ...inner,
    async subscribe(pattern, handler) {
      const behaviour = next;
      next = 'serve';
      if (behaviour === 'refuse') throw new Error('the bus is away');
      if (behaviour === 'hang') await new Promise(() => {});
      const subscription = await inner.subscribe(pattern, handler);
      active.push(pattern);
      return {
        async [Symbol.asyncDispose]() {
          active.splice(active.indexOf(pattern), 1);
          await subscription[Symbol.asyncDispose]();
        },
      };
    },
    onGap(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
  return {
    bus,
    active,
    gap: (pattern?: string) => listeners.forEach((listener) => listener(pattern)),
    set next(behaviour: typeof next) {
      next = behaviour;
    },
  };
}

function setUp(limits: Partial<GatewayFeedLimits> = {}) {
  const clock = createManualClock();
  const watched = createWatchedBus(clock);
  const feed = createGatewayFeed({
    bus: watched.bus,
    clock,
    log: silentLog,
    metrics: createMetrics(),
    limits,
  });
  const commands: string[] = [];
  const resets: string[] = [];
  feed.attach({
    handleCommand(bytes) {
      commands.push(Buffer.from(bytes).toString());
      return { ok: true, result: {} };
    },
    reset(channel) {
      resets.push(channel);
      return 1;
    },
  });
  let published = 0;
  return {
    ...watched,
    watched,
    clock,
    feed,
    commands,
    resets,
    say: async (subject: string, text: string): Promise<void> => {
      published += 1;
      await watched.bus.publish(subject, Buffer.from(text), { messageId: `m${published}` });
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

describe('following', () => {
  it('begins with the first listener of a subject, and is shared by all its channels', async () => {
    const { feed, active, say, commands } = setUp();
    await say('events.group.a', 'before');
    const channels = ['group:a.0', 'group:a.0', 'group:a.7'];
    await Promise.all(channels.map(async (channel) => await feed.hold(channel)));
    expect(active).toEqual(['events.group.a']);
    expect(feed.hold('group:a.0')).toBeUndefined();
    await say('events.group.a', 'first');
    await say('events.group.b', 'elsewhere');
    await say('events.group.a', 'second');
    expect(commands).toEqual(['first', 'second']);
    await feed.close();
    expect(active).toEqual([]);
  });

  it('lingers when the last listener has gone, then ends and forgets the histories', async () => {
    const { feed, active, clock, say, commands, resets } = setUp({ lingerMs: 1_000 });
    await feed.hold('group:a.0');
    await feed.hold('group:b.0');
    feed.release('group:a.0');
    await clock.advance(600);
    feed.release('group:b.0');
    await clock.advance(300);
    expect(feed.hold('group:a.0')).toBeUndefined();
    feed.release('group:a.0');
    await clock.advance(800);
    expect(active).toEqual(['events.group.a']);
    expect(resets).toEqual(['group:b.0']);
    await say('events.group.a', 'still heard');
    await clock.advance(200);
    expect(active).toEqual([]);
    expect(resets).toEqual(['group:b.0', 'group:a.0']);
    await say('events.group.a', 'not heard');
    expect(commands).toEqual(['still heard']);
  });

  it('lets go of the longest idle subjects when too many linger, and refuses what is beyond its bound', async () => {
    const { feed, active } = setUp({ maxLingering: 2, maxSubjects: 3 });
    for (const name of ['a', 'b', 'c']) {
      await feed.hold(`group:${name}.0`);
      feed.release(`group:${name}.0`);
    }
    expect(active).toEqual(['events.group.b', 'events.group.c']);
    for (const name of ['d', 'e', 'f']) await feed.hold(`group:${name}.0`);
    expect(active).toEqual(['events.group.d', 'events.group.e', 'events.group.f']);
    await expect(feed.hold('group:g.0')).rejects.toMatchObject({ code: 'FEED_FULL' });
  });

  it('tells everybody who waits when the bus refuses or says nothing, and tries anew for the next one', async () => {
    const { feed, watched, active, clock } = setUp({ subscribeTimeoutMs: 500 });
    watched.next = 'refuse';
    const refused = await Promise.allSettled(
      ['group:a.0', 'group:a.0'].map(async (channel) => await feed.hold(channel)),
    );
    expect(refused.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    watched.next = 'hang';
    const [hanging] = await Promise.all([
      Promise.resolve(feed.hold('group:a.0')).catch((error: unknown) => error),
      clock.advance(500),
    ]);
    expect(hanging).toMatchObject({ code: 'FEED_TIMEOUT' });
    await feed.hold('group:a.0');
    expect(active).toEqual(['events.group.a']);
  });

  it('knows channels that nothing is ever said on', () => {
    const { feed } = setUp();
    expect(feed.hold('personal:alice')).toBeUndefined();
    feed.release('personal:alice');
  });

  it('forgets the channels that removals have left behind', async () => {
    const { feed, resets } = setUp();
    await feed.hold('group:a.9999');
    for (let epoch = 0; epoch < 20; epoch += 1) {
      await feed.hold(`group:a.${epoch}`);
      feed.release(`group:a.${epoch}`);
    }
    expect(resets.length).toBeGreaterThanOrEqual(12);
    expect(resets).not.toContain('group:a.9999');
  });
});

describe('a gap', () => {
  it('resets the channels of the subject that it is on', async () => {
    const { feed, gap, resets } = setUp();
    for (const channel of ['group:a.0', 'group:a.3', 'group:b.0', 'group:c.0']) await feed.hold(channel);
    gap('events.group.a');
    expect(resets).toEqual(['group:a.0', 'group:a.3']);
    gap('events.group.unheard');
    gap('events.room.>');
    expect(resets).toHaveLength(2);
    gap('events.*.b');
    expect(resets.slice(2)).toEqual(['group:b.0']);
  });

  it('on all subjects resets them in steps, so that not all clients come back at once', async () => {
    const { feed, gap, resets, clock } = setUp({ resetsPerStep: 10, resetStepMs: 100 });
    for (let index = 0; index < 25; index += 1) await feed.hold(`group:g${index}.0`);
    gap();
    expect(resets).toHaveLength(10);
    gap();
    await clock.advance(100);
    expect(resets).toHaveLength(20);
    await clock.advance(200);
    // Those of the first step were reset before the second gap, so they are again.
    expect(resets.toSorted()).toEqual(
      Array.from({ length: 25 }, (_, index) => `group:g${index}.0`)
        .flatMap((channel, index) => (index < 10 ? [channel, channel] : [channel]))
        .toSorted(),
    );
  });
});
