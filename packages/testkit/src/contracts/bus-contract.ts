/** What every adapter of the `Bus` port keeps (packages/platform/src/bus/bus.ts). */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Bus, BusMessage } from '@conclave/platform';
import { codeOf } from './rejection.ts';

export interface ContractBus {
  readonly bus: Bus;
  /** Closes the bus and whatever it runs on. */
  destroy(): Promise<void>;
}

export function busContract(adapter: string, createBus: () => Promise<ContractBus>): void {
  describe(`${adapter}: bus contract`, () => {
    let contract: ContractBus;
    let bus: Bus;
    let nextId: number;

    beforeEach(async () => {
      contract = await createBus();
      bus = contract.bus;
      nextId = 0;
    });

    afterEach(() => contract.destroy());

    const publish = (subject: string, text = '', messageId = `m${(nextId += 1)}`) =>
      bus.publish(subject, new TextEncoder().encode(text), { messageId });

    /** What a subscription of `pattern` receives, and a way to wait until it has received a number of messages. */
    const collect = async (pattern: string) => {
      const messages: BusMessage[] = [];
      const waiting = new Set<{ count: number; resolve: () => void }>();
      const subscription = await bus.subscribe(pattern, async (message) => {
        messages.push(message);
        for (const waiter of waiting) if (messages.length >= waiter.count) waiter.resolve();
      });
      const received = (count: number) =>
        new Promise<void>((resolve) => {
          if (messages.length >= count) resolve();
          else waiting.add({ count, resolve });
        });
      return { messages, received, subscription };
    };

    const subjects = (messages: readonly BusMessage[]) => messages.map(({ subject }) => subject);

    test('delivers subject, message id and payload to every matching subscriber', async () => {
      const [first, second] = [await collect('events.group.1'), await collect('events.group.1')];
      await publish('events.group.1', 'hello', 'id-1');
      await Promise.all([first.received(1), second.received(1)]);
      for (const { messages } of [first, second]) {
        expect(messages[0]).toMatchObject({ subject: 'events.group.1', messageId: 'id-1' });
        expect(new TextDecoder().decode(messages[0]!.payload)).toBe('hello');
      }
    });

    test('acknowledges without subscribers', async () => {
      expect(await codeOf(publish('events.nobody.listens'))).toBe('resolved');
    });

    test.each([
      ['events.group.1', ['events.group.1']],
      ['events.*.1', ['events.group.1', 'events.user.1']],
      ['events.group.*', ['events.group.1', 'events.group.2']],
      ['events.>', ['events.group.1', 'events.group.1.typing', 'events.group.2', 'events.user.1']],
      ['*.group.>', ['events.group.1', 'events.group.1.typing', 'events.group.2']],
      ['>', ['events.group.1', 'events.group.1.typing', 'events.group.2', 'events.user.1']],
    ])('matches %s', async (pattern, expected) => {
      const { messages, received } = await collect(pattern);
      for (const subject of ['events.group.1', 'events.group.1.typing', 'events.group.2', 'events.user.1']) {
        await publish(subject);
      }
      await received(expected.length);
      expect(subjects(messages)).toEqual(expected);
    });

    test('keeps the order in which one publisher was acknowledged', async () => {
      const { messages, received } = await collect('events.>');
      for (let index = 0; index < 300; index += 1) await publish('events.a', String(index));
      await received(300);
      expect(messages.map(({ payload }) => Number(new TextDecoder().decode(payload)))).toEqual(
        Array.from({ length: 300 }, (_, index) => index),
      );
    });

    test('delivers a message id once, also when published again meanwhile', async () => {
      const { messages, received } = await collect('events.>');
      await Promise.all([publish('events.a', 'x', 'same'), publish('events.a', 'x', 'same')]);
      await publish('events.a', 'x', 'same');
      await publish('events.a', 'y', 'other');
      await received(2);
      expect(messages.map(({ messageId }) => messageId)).toEqual(['same', 'other']);
    });

    test('calls a handler for one message at a time', async () => {
      let running = 0;
      let mostRunning = 0;
      const done = Promise.withResolvers<void>();
      await bus.subscribe('events.>', async ({ payload }) => {
        running += 1;
        mostRunning = Math.max(mostRunning, running);
        await new Promise((resolve) => {
          setImmediate(resolve);
        });
        running -= 1;
        if (payload.length > 0) done.resolve();
      });
      for (let index = 0; index < 20; index += 1) await publish('events.a');
      await publish('events.a', 'last');
      await done.promise;
      expect(mostRunning).toBe(1);
    });

    test('goes on after a handler that rejects, and spares other subscribers', async () => {
      let calls = 0;
      await bus.subscribe('events.>', async () => {
        calls += 1;
        throw new Error('handler');
      });
      const { received } = await collect('events.>');
      await publish('events.a');
      await publish('events.a');
      await received(2);
      expect(calls).toBe(2);
    });

    test('does not wait for a slow handler to acknowledge', async () => {
      const release = Promise.withResolvers<void>();
      await bus.subscribe('events.slow', () => release.promise);
      const { messages, received } = await collect('events.slow');
      await publish('events.slow');
      await publish('events.slow');
      await received(2);
      expect(messages).toHaveLength(2);
      release.resolve();
    });

    test('stops a subscription that is disposed', async () => {
      const left = await collect('events.>');
      const stays = await collect('events.>');
      await publish('events.a');
      await left.received(1);
      await left.subscription[Symbol.asyncDispose]();
      await publish('events.a');
      await stays.received(2);
      expect(left.messages).toHaveLength(1);
    });

    test.each(['', '.', 'a.', '.a', 'a..b', 'a b', 'a.*', '>', 'a.>', 'a\nb', 'x'.repeat(600)])(
      'refuses to publish on %j',
      async (subject) => {
        expect(await codeOf(publish(subject))).toBe('BUS_INVALID');
      },
    );

    test.each(['', 'a.', 'a..b', '>.a', 'a.>.b', 'a*', 'a.b>', 'a b'])(
      'refuses the pattern %j',
      async (pattern) => {
        expect(await codeOf(bus.subscribe(pattern, async () => {}))).toBe('BUS_INVALID');
      },
    );

    test('refuses an empty or endless message id', async () => {
      expect(await codeOf(publish('events.a', '', ''))).toBe('BUS_INVALID');
      expect(await codeOf(publish('events.a', '', 'x'.repeat(10_000)))).toBe('BUS_INVALID');
    });

    test('accepts nothing once it is closed, and may be closed again', async () => {
      await bus.close();
      expect(await codeOf(publish('events.a'))).toBe('BUS_CLOSED');
      expect(await codeOf(bus.subscribe('events.a', async () => {}))).toBe('BUS_CLOSED');
      await bus.close();
    });
  });
}
