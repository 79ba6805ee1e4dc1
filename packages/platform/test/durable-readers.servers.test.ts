/** Another program that reads the stream by a durable consumer (as Centrifugo does) is not left deaf when the stream is lost. */
import { connect } from '@nats-io/transport-node';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { setTimeout } from 'node:timers/promises';
import { missingNats, startNats, type NatsServer } from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { expect, it } from 'vitest';
import { isTransientBusError, silentLog, systemClock } from '../src/index.ts';
import { openNatsBus } from '../src/bus/nats/index.ts';

requireServer(missingNats())('a durable reader', () => {
  it('gets what is published from the stream’s making on, also after the stream was lost and made anew', async () => {
    await using nats = await startNats();
    let made = 0;
    const bus = await openNatsBus({
      url: nats.url,
      password: nats.password,
      stream: 'EVENTS',
      replicas: 1,
      retentionMs: 600_000,
      readers: [{ name: 'other_program', subjects: ['events.>'] }],
      onStreamMade: () => (made += 1),
      clock: systemClock,
      log: silentLog,
      limits: { watchMs: 200 },
    });
    const say = async (text: string): Promise<void> => {
      for (;;) {
        try {
          return await bus.publish('events.group.a', Buffer.from(text), { messageId: text });
        } catch (error) {
          if (!isTransientBusError(error)) throw error;
          await setTimeout(100);
        }
      }
    };
    // Said before the program has ever come: it waits for it.
    await say('before');
    const connection = await connect({
      servers: `127.0.0.1:${nats.port}`,
      user: 'conclave',
      pass: nats.password,
    });
    const consumer = await jetstream(connection).consumers.get('EVENTS', 'other_program');
    // How long a request for messages that found no consumer goes on asking.
    const messages = await consumer.consume({ expires: 2_000 });
    const heard: string[] = [];
    const reading = (async () => {
      for await (const message of messages) {
        heard.push(message.string());
        message.ack();
      }
    })();
    await say('first');
    while (heard.length < 2) await setTimeout(20);
    expect(heard).toEqual(['before', 'first']);
    await expect.poll(() => made).toBe(1);
    await nats.deleteData('after-kill');
    // What is said between the making of the stream and that of the consumer is not for it: `onStreamMade` says that.
    for (let count = 1; heard.length === 2; count += 1) {
      await say(`after-the-loss-${count}`);
      await setTimeout(100);
    }
    expect(heard[2]).toMatch(/^after-the-loss-/);
    expect(made).toBe(2);
    await connection.close();
    await reading;
    await bus.close();
  });

  const open = (nats: NatsServer, reader: string, subject: string, onStreamMade: () => void) =>
    openNatsBus({
      url: nats.url,
      password: nats.password,
      stream: 'EVENTS',
      replicas: 1,
      retentionMs: 600_000,
      readers: [{ name: reader, subjects: [subject] }],
      onStreamMade,
      clock: systemClock,
      log: silentLog,
      limits: { watchMs: 200 },
    });
  const look = async (nats: NatsServer) => {
    const connection = await connect({
      servers: `127.0.0.1:${nats.port}`,
      user: 'conclave',
      pass: nats.password,
    });
    const manager = await jetstreamManager(connection);
    return {
      manager,
      readers: async () => (await manager.consumers.list('EVENTS').next()).map(({ name }) => name),
      [Symbol.asyncDispose]: () => connection.close(),
    };
  };

  it('of a stream whose maker died is made, and the making is announced, by another process', async () => {
    await using nats = await startNats();
    // Dies after the stream was made: the reader that it wants cannot be.
    await expect(open(nats, 'other_program', 'events..>', () => {})).rejects.toMatchObject({
      code: 'BUS_STREAM_MISMATCH',
    });
    await using raw = await look(nats);
    expect(await raw.readers()).toEqual([]);
    let made = 0;
    const buses = [await open(nats, 'other_program', 'events.>', () => (made += 1))];
    expect(await raw.readers()).toEqual(['other_program']);
    await expect.poll(() => made, { timeout: 30_000 }).toBe(1);
    await expect
      .poll(async () => (await raw.manager.streams.info('EVENTS')).config.metadata)
      .toMatchObject({ conclave_announced: 'yes' });
    // Said once: nobody says it again.
    buses.push(await open(nats, 'other_program', 'events.>', () => (made += 1)));
    await setTimeout(1_000);
    expect(made).toBe(1);
    for (const bus of buses) await bus.close();
  });

  it('is made again, and its stream too, though nobody publishes; every process tells the gap', async () => {
    await using nats = await startNats();
    let made = 0;
    const buses = [await open(nats, 'other_program', 'events.>', () => (made += 1))];
    buses.push(await open(nats, 'other_program', 'events.>', () => (made += 1)));
    await expect.poll(() => made, { timeout: 30_000 }).toBe(1);
    const gaps = buses.map(() => 0);
    for (const [index, bus] of buses.entries()) bus.onGap(() => (gaps[index]! += 1));
    await using raw = await look(nats);
    await raw.manager.consumers.delete('EVENTS', 'other_program');
    await expect.poll(raw.readers).toEqual(['other_program']);
    expect([made, gaps]).toEqual([1, [0, 0]]);
    await raw.manager.streams.delete('EVENTS');
    await expect.poll(() => raw.readers().catch(() => undefined)).toEqual(['other_program']);
    // Both may have made it, in the same millisecond.
    await expect.poll(() => made).toBeGreaterThan(1);
    await expect.poll(() => gaps).toEqual([1, 1]);
    for (const bus of buses) await bus.close();
  });

  it('that its program can have no more, because files were deleted while the server ran, gets a new stream', async () => {
    await using nats = await startNats();
    let made = 0;
    const buses = [await open(nats, 'other_program', 'events.>', () => (made += 1))];
    buses.push(await open(nats, 'other_program', 'events.>', () => (made += 1)));
    await expect.poll(() => made, { timeout: 30_000 }).toBe(1);
    await nats.deleteData('while-running');
    await using raw = await look(nats);
    // As a program that comes again asks for it.
    const comeAgain = () => raw.manager.consumers.update('EVENTS', 'other_program', {});
    await expect(comeAgain()).rejects.toMatchObject({ code: 10_012 });
    await expect.poll(() => comeAgain().then(() => 'there', String), { timeout: 30_000 }).toBe('there');
    await expect.poll(() => made, { timeout: 30_000 }).toBeGreaterThan(1);
    for (const bus of buses) {
      await bus.publish('events.group.a', Buffer.from('on'), { messageId: `on-${buses.indexOf(bus)}` });
      await bus.close();
    }
  });
});
