import { createManualClock } from '@conclave/platform/testing';
import { expect, it } from 'vitest';
import { IdleLru } from './idle-lru.ts';

it('makes room by letting the least recently used go', () => {
  const cache = new IdleLru<string>({ clock: createManualClock(), maxWeight: 10, idleMs: 1_000 });
  cache.put('a', 'A', 4);
  cache.put('b', 'B', 4);
  expect(cache.get('a')).toBe('A');
  cache.put('c', 'C', 4);
  expect([cache.peek('a'), cache.peek('b'), cache.peek('c')]).toEqual(['A', undefined, 'C']);
  expect([cache.size, cache.weight]).toEqual([2, 8]);
  cache.put('c', 'C2', 1);
  expect([cache.get('c'), cache.weight]).toEqual(['C2', 5]);
  cache.delete('c');
  cache.delete('unknown');
  expect(cache.weight).toBe(4);
});

it('keeps what is heavier than the bound until the next comes', () => {
  const cache = new IdleLru<string>({ clock: createManualClock(), maxWeight: 10, idleMs: 1_000 });
  cache.put('small', 's', 1);
  cache.put('large', 'l', 100);
  expect([cache.peek('small'), cache.peek('large')]).toEqual([undefined, 'l']);
  cache.put('small', 's', 1);
  expect([cache.peek('small'), cache.peek('large'), cache.weight]).toEqual(['s', undefined, 1]);
});

it('lets go of what nobody used for the idle time; a look without use does not count', async () => {
  const clock = createManualClock();
  const cache = new IdleLru<string>({ clock, maxWeight: 10, idleMs: 1_000 });
  for (const key of ['a', 'b', 'c']) cache.put(key, key, 1);
  await clock.advance(600);
  cache.get('a');
  cache.peek('b');
  await clock.advance(399);
  expect(cache.dropIdle()).toBe(0);
  await clock.advance(1);
  expect(cache.dropIdle()).toBe(2);
  expect([cache.peek('a'), cache.size, cache.weight]).toEqual(['a', 1, 1]);
  await clock.advance(600);
  expect(cache.dropIdle()).toBe(1);
  expect([cache.size, cache.weight]).toEqual([0, 0]);
});
