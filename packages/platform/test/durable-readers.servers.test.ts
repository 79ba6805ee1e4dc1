/** Another program that reads the stream by a durable consumer (as Centrifugo does) is not left deaf when the stream is lost. */
import { connect } from '@nats-io/transport-node';
import { jetstream } from '@nats-io/jetstream';
import { missingNats, startNats } from '@conclave/testkit/servers';
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
    });
    const say = async (text: string): Promise<void> => {
      for (;;) {
        try {
          return await bus.publish('events.group.a', Buffer.from(text), { messageId: text });
        } catch (error) {
          if (!isTransientBusError(error)) throw error;
          await new Promise((resolve) => setTimeout(resolve, 100));
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
    while (heard.length < 2) await new Promise((resolve) => setTimeout(resolve, 20));
    expect([heard, made]).toEqual([['before', 'first'], 1]);
    await nats.deleteData('after-kill'); // What is said between the making of the stream and that of the consumer is not for it: `onStreamMade` says that.
    for (let count = 1; heard.length === 2; count += 1) {
      await say(`after-the-loss-${count}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(heard[2]).toMatch(/^after-the-loss-/);
    expect(made).toBe(2);
    await connection.close();
    await reading;
    await bus.close();
  });
});
