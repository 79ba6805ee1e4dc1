import { describe, expect, test } from 'vitest';
import { busContract, codeOf } from '@conclave/testkit/contracts';
import { createInProcessBus, createMetrics, silentLog, systemClock } from '@conclave/platform';
import { createManualClock } from '@conclave/platform/testing';

busContract('in process', async () => {
  const bus = createInProcessBus({ clock: systemClock, log: silentLog });
  return { bus, destroy: () => bus.close() };
});

describe('the in-process bus', () => {
  const payload = new Uint8Array(1);

  /** A bus whose subscriber of `events.slow` finishes a message each time `finishOne` is called. */
  const createSlow = async () => {
    const clock = createManualClock();
    const metrics = createMetrics();
    const bus = createInProcessBus({
      clock,
      metrics,
      log: silentLog,
      limits: {
        maxQueued: 2,
        maxWaitMs: 1_000,
        maxMessageIds: 100,
        deduplicationMs: 60_000,
        maxPayloadBytes: 10,
      },
    });
    const received: string[] = [];
    const finishers: (() => void)[] = [];
    const subscription = await bus.subscribe('events.slow', async ({ messageId }) => {
      received.push(messageId);
      await new Promise<void>((resolve) => {
        finishers.push(resolve);
      });
    });
    const publish = (messageId: string, subject = 'events.slow') =>
      bus.publish(subject, payload, { messageId });
    return { bus, clock, metrics, received, publish, subscription, finishOne: () => finishers.shift()?.() };
  };

  /** One running and two waiting: as much as a subscriber of `createSlow` takes. */
  const fill = async ({ clock, publish }: Awaited<ReturnType<typeof createSlow>>) => {
    await publish('1');
    await clock.advance(0);
    await publish('2');
    await publish('3');
  };

  test('makes a publisher wait for a full subscriber, and goes on when it has room', async () => {
    const slow = await createSlow();
    await fill(slow);
    let acknowledged = false;
    const fourth = slow.publish('4').then(() => (acknowledged = true));
    await slow.clock.advance(999);
    expect(acknowledged).toBe(false);
    slow.finishOne();
    await fourth;
    for (let index = 0; index < 3; index += 1) {
      slow.finishOne();
      await slow.clock.advance(0);
    }
    expect(slow.received).toEqual(['1', '2', '3', '4']);
    expect(slow.clock.pending).toBe(0);
  });

  test('refuses with BUS_FULL when there is no room in time; nobody got it, and it may be tried again', async () => {
    const slow = await createSlow();
    const others: string[] = [];
    await slow.bus.subscribe('events.>', async ({ messageId }) => void others.push(messageId));
    await fill(slow);
    const refused = codeOf(slow.publish('4'));
    await slow.clock.advance(1_000);
    expect(await refused).toBe('BUS_FULL');
    expect(others).toEqual(['1', '2', '3']);
    expect(await slow.metrics.exposition()).toContain('conclave_bus_full_total 1');
    slow.finishOne();
    await slow.clock.advance(0);
    await slow.publish('4');
    await slow.clock.advance(0);
    expect(others).toEqual(['1', '2', '3', '4']);
  });

  test('a message that is published again while it waits for room is delivered once', async () => {
    const slow = await createSlow();
    await fill(slow);
    const both = Promise.all([slow.publish('4'), slow.publish('4')]);
    for (let index = 0; index < 4; index += 1) {
      await slow.clock.advance(0);
      slow.finishOne();
    }
    await both;
    await slow.clock.advance(0);
    slow.finishOne();
    await slow.clock.advance(0);
    expect(slow.received).toEqual(['1', '2', '3', '4']);
  });

  test('a full subscriber holds up only the subjects it listens to', async () => {
    const slow = await createSlow();
    await fill(slow);
    await slow.publish('other', 'events.other');
    expect(slow.clock.pending).toBe(0);
  });

  test('a subscriber that leaves lets waiting publishers go on', async () => {
    const slow = await createSlow();
    await fill(slow);
    const fourth = slow.publish('4');
    await slow.clock.advance(1);
    const leaving = slow.subscription[Symbol.asyncDispose]();
    await fourth;
    slow.finishOne();
    await leaving;
    expect(slow.received).toEqual(['1']);
  });

  test('closing refuses waiting publishers and hands out what was accepted', async () => {
    const slow = await createSlow();
    await fill(slow);
    const refused = codeOf(slow.publish('4'));
    const closing = slow.bus.close();
    for (let index = 0; index < 3; index += 1) {
      slow.finishOne();
      await slow.clock.advance(0);
    }
    expect(await refused).toBe('BUS_CLOSED');
    await closing;
    expect(slow.received).toEqual(['1', '2', '3']);
  });

  test('remembers message ids for a time, and a number of them', async () => {
    const { bus, clock } = await createSlow();
    const received: string[] = [];
    await bus.subscribe('events.fast', async ({ messageId }) => void received.push(messageId));
    const publish = async (messageId: string) => {
      await bus.publish('events.fast', payload, { messageId });
      await clock.advance(0);
    };
    await publish('a');
    await clock.advance(60_000);
    await publish('a');
    expect(received).toEqual(['a']);
    await clock.advance(1);
    await publish('a');
    expect(received).toEqual(['a', 'a']);
    for (let index = 0; index < 100; index += 1) await publish(`id-${index}`);
    await publish('a');
    expect(received.filter((id) => id === 'a')).toHaveLength(3);
  });

  test('counts what handlers lost', async () => {
    const { bus, clock, metrics } = await createSlow();
    await bus.subscribe('events.bad', async () => {
      throw new Error('lost');
    });
    await bus.publish('events.bad', payload, { messageId: '1' });
    await clock.advance(0);
    expect(await metrics.exposition()).toContain('conclave_bus_handler_errors_total 1');
  });

  test('refuses payloads beyond its bound', async () => {
    const { bus } = await createSlow();
    const large = bus.publish('events.a', new Uint8Array(11), { messageId: '1' });
    await expect(large).rejects.toMatchObject({ code: 'BUS_TOO_LARGE' });
    await bus.publish('events.a', new Uint8Array(10), { messageId: '2' });
  });
});
