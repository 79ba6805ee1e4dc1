import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecencyMap } from './recency-map.ts';

describe('a map in the order of last use', () => {
  it('is what a Map is in which every used key is set anew', () => {
    const key = fc.integer({ min: 0, max: 6 });
    const step = fc.oneof(
      fc.record({ kind: fc.constantFrom('get', 'peek', 'set', 'delete'), key }),
      fc.record({ kind: fc.constantFrom('drop oldest', 'clear'), key }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const map = new RecencyMap<number, number>();
        const model = new Map<number, number>();
        for (const [at, { kind, key: k }] of steps.entries()) {
          const known = model.get(k);
          if (kind === 'get' && known !== undefined) {
            model.delete(k);
            model.set(k, known);
          }
          if (kind === 'get') expect(map.get(k)).toBe(known);
          if (kind === 'peek') expect(map.peek(k)).toBe(known);
          if (kind === 'set') {
            map.set(k, at);
            model.delete(k);
            model.set(k, at);
          }
          if (kind === 'delete') {
            expect(map.delete(k)).toBe(known);
            model.delete(k);
          }
          const [oldest] = model.keys();
          expect(map.oldestKey).toBe(oldest);
          if (kind === 'drop oldest' && oldest !== undefined) {
            map.delete(map.oldestKey!);
            model.delete(oldest);
          }
          if (kind === 'clear') {
            map.clear();
            model.clear();
          }
          expect([...map]).toEqual([...model]);
          expect(map.size).toBe(model.size);
        }
      }),
    );
  });

  it('may lose the entry at hand while it is walked through', () => {
    const map = new RecencyMap<string, number>();
    for (const [at, key] of ['a', 'b', 'c', 'd'].entries()) map.set(key, at);
    for (const [key, value] of map) if (value % 2 === 0) map.delete(key);
    expect([...map]).toEqual([
      ['b', 1],
      ['d', 3],
    ]);
  });
});
