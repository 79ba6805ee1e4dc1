/** Two processes with a gateway each, on one bus: what their clients are told, and what they are never told wrongly. */
import { createInProcessBus, silentLog, systemClock, type Bus, type BusMessage } from '@conclave/platform';
import { describe, expect, it } from 'vitest';
import { listen, say, serveGateway, silence, until } from './serve-gateways.ts';

interface View {
  readonly bus: Bus;
  /** While true, what is published does not reach this process. */
  deaf: boolean;
  gap(pattern?: string): void;
}

/** One process's view of a bus: it can lose messages, and tells of it when the test says so. */
function createView(shared: Bus): View {
  const listeners = new Set<(pattern: string | undefined) => void>();
  const view: View = {
    deaf: false,
    bus: {
      ...shared,
      subscribe: (pattern, handler) =>
        shared.subscribe(pattern, async (message: BusMessage) => {
          if (!view.deaf) await handler(message);
        }),
      onGap(listener) {
        listeners.add(listener);
        return { [Symbol.dispose]: () => void listeners.delete(listener) };
      },
    },
    gap(pattern) {
      for (const listener of listeners) listener(pattern);
    },
  };
  return view;
}

const createShared = (): Bus => createInProcessBus({ clock: systemClock, log: silentLog });

describe('two gateways', () => {
  it('tell their clients the same, in the same order', async () => {
    const bus = createShared();
    await using a = await serveGateway(bus);
    await using b = await serveGateway(bus);
    using anna = await listen(a, 'group:x.0');
    using ben = await listen(b, 'group:x.0');
    using other = await listen(b, 'group:y.0');
    for (let seq = 1; seq <= 50; seq += 1) await say(bus, 'x', seq);
    await until(() => anna.heard.length === 50 && ben.heard.length === 50);
    expect(anna.heard).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
    expect(ben.heard).toEqual(anna.heard);
    expect(other.heard).toEqual([]);
  });

  it('both end the subscriptions of a channel that a removal left behind', async () => {
    const bus = createShared();
    await using a = await serveGateway(bus);
    await using b = await serveGateway(bus);
    using anna = await listen(a, 'group:x.0');
    using ben = await listen(b, 'group:x.0');
    using stays = await listen(b, 'group:x.7');
    await say(bus, 'x', 1);
    await silence(bus, 'x', 1);
    await say(bus, 'x', 2);
    await until(() => anna.left.length === 1 && ben.left.length === 1);
    expect([anna.left, ben.left, stays.left]).toEqual([[{ code: 2000 }], [{ code: 2000 }], []]);
    expect([anna.heard, ben.heard]).toEqual([[1], [1]]);
  });

  it('never tell a client that it recovered what the other one published', async () => {
    const bus = createShared();
    await using a = await serveGateway(bus);
    await using b = await serveGateway(bus);
    using anna = await listen(a, 'group:x.0');
    using stays = await listen(b, 'group:x.0');
    for (let seq = 1; seq <= 3; seq += 1) await say(bus, 'x', seq);
    await until(() => anna.heard.length === 3 && stays.heard.length === 3);
    // Both gateways are at offset 3 now, each in an epoch of its own.
    anna.client.disconnect();
    anna.moveTo(b);
    await say(bus, 'x', 4);
    anna.client.connect();
    await until(() => anna.subscribed.length === 2);
    expect(anna.subscribed[1]).toMatchObject({ wasRecovering: true, recovered: false });
    anna.client.disconnect();
    await say(bus, 'x', 5);
    anna.client.connect();
    await until(() => anna.subscribed.length === 3);
    // The same gateway again: this it can say.
    expect(anna.subscribed[2]).toMatchObject({ wasRecovering: true, recovered: true });
    expect(anna.heard).toEqual([1, 2, 3, 5]);
  });

  it('keep no history of what nobody there listens to', async () => {
    const bus = createShared();
    await using a = await serveGateway(bus);
    using first = await listen(a, 'group:x.0');
    await say(bus, 'x', 1, 5);
    await say(bus, 'x', 2);
    await until(() => first.heard.length === 1);
    using late = await listen(a, 'group:x.5');
    expect(late.subscribed[0]).toMatchObject({ streamPosition: { offset: 0 } });
  });
});

describe('a gap on the bus', () => {
  it('makes clients subscribe anew, and tells them that nothing was recovered', async () => {
    const shared = createShared();
    const view = createView(shared);
    await using gateway = await serveGateway(view.bus);
    using anna = await listen(gateway, 'group:x.0');
    using unconcerned = await listen(gateway, 'group:y.0');
    await say(shared, 'x', 1);
    await until(() => anna.heard.length === 1);
    view.deaf = true;
    await say(shared, 'x', 2);
    view.deaf = false;
    view.gap('events.group.x');
    await until(() => anna.subscribed.length === 2);
    expect(anna.left).toEqual([{ code: 2500 }]);
    expect(anna.subscribed[1]).toMatchObject({ wasRecovering: true, recovered: false });
    await say(shared, 'x', 3);
    await until(() => anna.heard.length === 2);
    expect(anna.heard).toEqual([1, 3]);
    expect(unconcerned.subscribed).toHaveLength(1);
    // A client that was away over the gap is not told otherwise.
    anna.client.disconnect();
    view.gap();
    anna.client.connect();
    await until(() => anna.subscribed.length === 3);
    expect(anna.subscribed[2]).toMatchObject({ wasRecovering: true, recovered: false });
  });
});
