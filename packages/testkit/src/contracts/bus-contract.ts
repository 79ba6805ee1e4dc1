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

    test('hands the trace of a message on, and none that is not well-formed', async () => {
      const traceParent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
      const { messages, received } = await collect('events.>');
      await bus.publish('events.a', new Uint8Array(), { messageId: '1', traceParent });
      await bus.publish('events.a', new Uint8Array(), { messageId: '2' });
      await bus.publish('events.a', new Uint8Array(), {
        messageId: '3',
        traceParent: `${traceParent}\r\nX: y`,
      });
      await received(3);
      expect(messages.map((message) => message.traceParent)).toEqual([traceParent, undefined, undefined]);
    });

    test('hands on when it was accepted, if that is a time', async () => {
      const { messages, received } = await collect('events.>');
      for (const [index, acceptedAtMs] of [1_800_000_000_123, undefined, Number.NaN, -1, 0.5].entries()) {
        await bus.publish('events.a', new Uint8Array(), { messageId: `accepted.${index}`, acceptedAtMs });
      }
      await received(5);
      const times = messages.map((message) => message.acceptedAtMs);
      expect(times).toEqual([1_800_000_000_123, undefined, undefined, undefined, undefined]);
    });

    test('hears what is published after the subscription, with thousands of subscriptions', async () => {
      const subscribed = await Promise.all(
        Array.from({ length: 2_000 }, (_, index) => collect(`events.group.${index}`)),
      );
      await publish('events.group.1999');
      await subscribed[1999]!.received(1);
      expect(subscribed.flatMap(({ messages }) => messages)).toHaveLength(1);
    });

    describe('a fence', () => {
      const held = { isHeld: () => true };
      const fenced = (messageId: string, fence: { isHeld(): boolean }, subject = 'events.a') =>
        bus.publish(subject, new Uint8Array(), { messageId, fence });

      test('that is held lets messages pass, in order', async () => {
        const { messages, received } = await collect('events.>');
        for (let index = 0; index < 20; index += 1) {
          await fenced(`a${index}`, held, 'events.a');
          await fenced(`b${index}`, held, 'events.b');
        }
        await received(40);
        expect(
          messages.filter(({ subject }) => subject === 'events.a').map(({ messageId }) => messageId),
        ).toEqual(Array.from({ length: 20 }, (_, index) => `a${index}`));
      });

      test('that is lost refuses, and delivers nothing', async () => {
        const { messages, received } = await collect('events.>');
        let isHeld = true;
        const fence = { isHeld: () => isHeld };
        await fenced('first', fence);
        isHeld = false;
        expect(await codeOf(fenced('late', fence))).toBe('BUS_FENCED');
        await fenced('second', held);
        await received(2);
        expect(messages.map(({ messageId }) => messageId)).toEqual(['first', 'second']);
      });

      test('lets a successor repeat what was accepted, which is not delivered again', async () => {
        const { messages, received } = await collect('events.>');
        for (const messageId of ['m1', 'm2', 'm3']) await fenced(messageId, { isHeld: () => true });
        for (const messageId of ['m1', 'm2', 'm3', 'm4']) await fenced(messageId, held);
        await received(4);
        expect(messages.map(({ messageId }) => messageId)).toEqual(['m1', 'm2', 'm3', 'm4']);
      });

      test('survives publications without one on its subject', async () => {
        const { messages, received } = await collect('events.>');
        await fenced('m1', held);
        await publish('events.a', '', 'm2');
        await fenced('m3', held);
        await received(3);
        expect(messages.map(({ messageId }) => messageId)).toEqual(['m1', 'm2', 'm3']);
      });
    });

    describe('gaps', () => {
      test('are told for what a handler lost, by its subject, until the listener is disposed of', async () => {
        const gaps: (string | undefined)[] = [];
        const told = Promise.withResolvers<void>();
        const listening = bus.onGap((subject) => {
          gaps.push(subject);
          told.resolve();
        });
        using _second = bus.onGap(() => {
          throw new Error('listener');
        });
        await bus.subscribe('events.>', async ({ messageId }) => {
          if (messageId.startsWith('bad')) throw new Error('handler');
        });
        const { received } = await collect('events.>');
        await publish('events.b', '', 'good');
        await publish('events.a', '', 'bad-1');
        await told.promise;
        listening[Symbol.dispose]();
        await publish('events.c', '', 'bad-2');
        await publish('events.d', '', 'end');
        await received(4);
        expect(gaps).toEqual(['events.a']);
      });
    });

    test.each([
      '',
      '.',
      'a.',
      '.a',
      'a..b',
      'a b',
      'a.*',
      '>',
      'a.>',
      'a\nb',
      `events.${'x'.repeat(600)}`,
      'a',
      'live.a',
      'events',
    ])('refuses to publish on %j', async (subject) => {
      expect(await codeOf(publish(subject))).toBe('BUS_INVALID');
    });

    test.each(['', 'a.', 'a..b', '>.a', 'a.>.b', 'a*', 'a.b>', 'a b'])(
      'refuses the pattern %j',
      async (pattern) => {
        expect(await codeOf(bus.subscribe(pattern, async () => {}))).toBe('BUS_INVALID');
      },
    );

    test('refuses an empty or endless message id', async () => {
      expect(await codeOf(publish('events.a', '', ''))).toBe('BUS_INVALID');
      expect(await codeOf(publish('events.a', '', 'x'.repeat(10_000)))).toBe('BUS_INVALID');
      expect(await codeOf(publish('events.a', '', 'a\r\nNats-Msg-Id: b'))).toBe('BUS_INVALID');
    });

    test('refuses what is larger than it takes', async () => {
      expect(await codeOf(publish('events.a', 'x'.repeat(8 * 1024 * 1024)))).toBe('BUS_TOO_LARGE');
      expect(await codeOf(publish('events.a', 'x'.repeat(512 * 1024)))).toBe('resolved');
    });

    test('accepts nothing once it is closed, and may be closed again', async () => {
      await bus.close();
      expect(await codeOf(publish('events.a'))).toBe('BUS_CLOSED');
      expect(await codeOf(bus.subscribe('events.a', async () => {}))).toBe('BUS_CLOSED');
      await bus.close();
    });
  });
}
