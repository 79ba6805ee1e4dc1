import { describe, expect, it } from 'vitest';
import { IdempotencyCache } from './idempotency.ts';

function create(maxKeys: number) {
  let nowMs = 1_000;
  const cache = new IdempotencyCache<number>(
    { nowMs: () => nowMs, schedule: () => ({ [Symbol.dispose]() {} }) },
    100,
    maxKeys,
  );
  return { cache, wait: (ms: number) => (nowMs += ms) };
}

describe('results by idempotency key', () => {
  it('are remembered for their time and no longer', () => {
    const { cache, wait } = create(10);
    cache.set('a', 1);
    wait(60);
    cache.set('b', 2);
    wait(39);
    expect([cache.get('a'), cache.get('b')]).toEqual([1, 2]);
    wait(1);
    expect([cache.get('a'), cache.get('b')]).toEqual([undefined, 2]);
    cache.set('a', 3);
    expect(cache.get('a')).toBe(3);
  });

  it('are remembered for their time also when others come and go', () => {
    const { cache, wait } = create(1_000);
    for (let turn = 0; turn < 50; turn++) {
      cache.set(`key ${turn}`, turn);
      for (let age = 0; age < 10 && age <= turn; age++)
        expect(cache.get(`key ${turn - age}`)).toBe(turn - age);
      expect(cache.get(`key ${turn - 10}`)).toBeUndefined();
      wait(10);
    }
  });

  it('are at least half as many as there may be, the latest ones, and never more', () => {
    const { cache } = create(10);
    for (let count = 1; count <= 40; count++) {
      cache.set(`key ${count}`, count);
      const kept = Array.from({ length: count }, (_, index) => cache.get(`key ${index + 1}`) !== undefined);
      expect(kept.slice(-5).every(Boolean)).toBe(true);
      expect(kept.filter(Boolean).length).toBeLessThanOrEqual(10);
    }
  });
});
