import { expect, test } from 'vitest';
import { EventEmitter } from './event-emitter.ts';

interface Events {
  number: number;
}

test('listeners hear events in order until they are removed', () => {
  const events = new EventEmitter<Events>();
  const heard: string[] = [];
  const removeFirst = events.on('number', (event) => {
    heard.push(`a${event}`);
    removeFirst();
  });
  events.on('number', (event) => heard.push(`b${event}`));
  events.emit('number', 1);
  events.emit('number', 2);
  expect(heard).toEqual(['a1', 'b1', 'b2']);
});

test('next waits for the event that is meant, and can be cancelled', async () => {
  const events = new EventEmitter<Events>();
  const waiting = events.next('number', { when: (event) => event > 1 });
  events.emit('number', 1);
  events.emit('number', 2);
  expect(await waiting).toBe(2);
  const controller = new AbortController();
  const cancelled = events.next('number', { signal: controller.signal });
  controller.abort();
  await expect(cancelled).rejects.toMatchObject({ code: 'ABORTED' });
  await expect(events.next('number', { signal: controller.signal })).rejects.toMatchObject({
    code: 'ABORTED',
  });
});
