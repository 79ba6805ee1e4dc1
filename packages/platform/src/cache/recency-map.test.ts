import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecencyMap } from './recency-map.ts';

interface Step {
  readonly kind: 'get' | 'peek' | 'set' | 'delete' | 'drop oldest' | 'clear';
  readonly key: number;
}

function applyTo(map: RecencyMap<number, number>, { kind, key }: Step, value: number): number | undefined {
  if (kind === 'get') return map.get(key);
  if (kind === 'peek') return map.peek(key);
  if (kind === 'delete') return map.delete(key);
  if (kind === 'drop oldest') return map.oldestKey === undefined ? undefined : map.delete(map.oldestKey);
  if (kind === 'set') map.set(key, value);
  else map.clear();
  return undefined;
}

function applyToModel(model: Map<number, number>, { kind, key }: Step, value: number): number | undefined {
  const chosen = kind === 'drop oldest' ? model.keys().next().value : key;
  const known = chosen === undefined ? undefined : model.get(chosen);
  if (kind === 'clear') model.clear();
  if (kind === 'set' || (kind === 'get' && known !== undefined)) {
    model.delete(key);
    model.set(key, kind === 'set' ? value : known!);
  }
  if (kind === 'delete' || kind === 'drop oldest') model.delete(chosen!);
  return kind === 'set' || kind === 'clear' ? undefined : known;
}

describe('a map in the order of last use', () => {
  it('is what a Map is in which every used key is set anew', () => {
    const step = fc.record({
      kind: fc.constantFrom(...(['get', 'peek', 'set', 'delete', 'delete', 'drop oldest', 'clear'] as const)),
      key: fc.integer({ min: 0, max: 6 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const map = new RecencyMap<number, number>();
        const model = new Map<number, number>();
        for (const [at, step] of steps.entries()) {
          expect(applyTo(map, step, at)).toBe(applyToModel(model, step, at));
          expect([...map]).toEqual([...model]);
          expect([map.size, map.oldestKey]).toEqual([model.size, model.keys().next().value]);
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
