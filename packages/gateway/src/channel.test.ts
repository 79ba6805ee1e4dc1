import { describe, expect, test } from 'vitest';
import { Channel, type Subscriber } from './channel.ts';
import { FlushScheduler } from './flush-scheduler.ts';
import { JsonPayload } from './json-payload.ts';
import type { ResolvedNamespace } from './options.ts';
import type { WireFormat } from './wire/codec.ts';
import { sseJson, webSocketJson } from './wire/formats.ts';

const NAMESPACE: ResolvedNamespace = {
  name: 'group',
  historySize: 0,
  historyTtlMs: 0,
  keepsHistory: false,
  forceRecovery: false,
  presence: false,
  joinLeave: false,
  subscribeWithoutToken: false,
};

interface RecordingSubscriber extends Subscriber {
  readonly frames: Buffer[];
}

function subscriber(format: WireFormat): RecordingSubscriber {
  const frames: Buffer[] = [];
  return { format, frames, enqueueFrame: (frame) => void frames.push(frame), push: () => {} };
}

const MEMBERSHIP = { info: { user: '', client: '' }, wantsJoinLeave: false };
const publication = (value: unknown) => ({ data: JsonPayload.fromValue(value)! });

describe('a channel', () => {
  test('builds one frame per format and turn, and gives the same bytes to all', () => {
    const channel = new Channel('group:a', NAMESPACE, new FlushScheduler());
    const subscribers = [subscriber(webSocketJson), subscriber(webSocketJson), subscriber(sseJson)];
    for (const each of subscribers) channel.join(each, MEMBERSHIP);
    channel.publish(publication(1));
    channel.publish(publication(2));
    channel.flush();
    expect(subscribers.map(({ frames }) => frames.length)).toEqual([1, 1, 1]);
    expect(subscribers[0]!.frames[0]).toBe(subscribers[1]!.frames[0]);
    expect(subscribers[2]!.frames[0]!.toString()).toBe(
      'data: {"push":{"channel":"group:a","pub":{"data":1}}}\n\n' +
        'data: {"push":{"channel":"group:a","pub":{"data":2}}}\n\n',
    );
  });

  test('gives a subscriber exactly what is published between its join and its leave', () => {
    const channel = new Channel('group:a', NAMESPACE, new FlushScheduler());
    const [early, late] = [subscriber(sseJson), subscriber(sseJson)];
    channel.join(early, MEMBERSHIP);
    channel.publish(publication(1));
    channel.join(late, MEMBERSHIP);
    channel.publish(publication(2));
    channel.leave(early);
    channel.publish(publication(3));
    channel.flush();
    const seen = ({ frames }: RecordingSubscriber) =>
      [...frames.join('').matchAll(/"data":(\d)/g)].map(([, value]) => Number(value));
    expect(seen(early)).toEqual([1, 2]);
    expect(seen(late)).toEqual([2, 3]);
  });

  test('sends many publications piecewise', () => {
    const channel = new Channel('group:a', NAMESPACE, new FlushScheduler());
    const reader = subscriber(webSocketJson);
    channel.join(reader, MEMBERSHIP);
    for (let n = 0; n < 10; n += 1) channel.publish(publication('x'.repeat(20_000)));
    channel.flush();
    expect(reader.frames.length).toBe(4);
  });
});
