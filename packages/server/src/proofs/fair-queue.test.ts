import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FairQueue } from './fair-queue.ts';
import type { QueueLimits } from './fair-queue.ts';

interface Item {
  readonly groupId: string;
  readonly cost: number;
  readonly number: number;
}

const wide: QueueLimits = { maxItems: 1e6, maxCost: 1e9, maxItemsPerGroup: 1e6, maxCostPerGroup: 1e9 };
const share = { maxItems: 8, maxCost: 100 };

function queueOf(items: readonly Item[], quantum = 10, limits = wide): FairQueue<Item> {
  const queue = new FairQueue<Item>(limits, quantum);
  for (const item of items) expect(queue.put(item)).toBeUndefined();
  return queue;
}

const many = (groupId: string, count: number, cost: number): Item[] =>
  Array.from({ length: count }, (_, number) => ({ groupId, cost, number }));

describe('a fair queue', () => {
  it('gives everything once, each group in its order, in batches within the share', () => {
    const item = fc.record({
      groupId: fc.constantFrom('a', 'b', 'c', 'd'),
      cost: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 300 })),
    });
    fc.assert(
      fc.property(fc.array(item, { maxLength: 60 }), fc.integer({ min: 1, max: 50 }), (drawn, quantum) => {
        const items = drawn.map((one, number) => ({ ...one, number }));
        const queue = queueOf(items, quantum);
        expect(queue.cost).toBe(items.reduce((sum, { cost }) => sum + cost, 0));
        const taken: Item[] = [];
        while (queue.size > 0) {
          const batch = queue.take(share);
          expect(batch.length).toBeGreaterThan(0);
          expect(batch.length).toBeLessThanOrEqual(share.maxItems);
          const cost = batch.reduce((sum, one) => sum + one.cost, 0);
          expect(batch.length === 1 || cost <= share.maxCost).toBe(true);
          taken.push(...batch);
        }
        expect(queue.cost).toBe(0);
        expect(queue.take(share)).toEqual([]);
        for (const groupId of ['a', 'b', 'c', 'd']) {
          const ofGroup = (list: readonly Item[]) => list.filter((one) => one.groupId === groupId);
          expect(ofGroup(taken)).toEqual(ofGroup(items));
        }
      }),
    );
  });

  it('serves groups by cost: who posts dear things gets fewer of them', () => {
    const queue = queueOf([...many('dear', 100, 20), ...many('cheap', 1_000, 2)]);
    const cost = { dear: 0, cheap: 0 };
    for (let batch = 0; batch < 20; batch++) {
      for (const item of queue.take({ maxItems: 64, maxCost: 100 })) {
        cost[item.groupId as 'dear' | 'cheap'] += item.cost;
      }
    }
    expect(cost.dear + cost.cheap).toBeGreaterThan(1_500);
    expect(Math.abs(cost.dear - cost.cheap)).toBeLessThanOrEqual(100);
  });

  it('lets who comes late wait for a turn of the others, not for all that they posted', () => {
    const queue = queueOf([...many('flood', 10_000, 90), ...many('other', 10_000, 90)]);
    queue.take(share);
    queue.put({ groupId: 'late', cost: 90, number: 0 });
    let batches = 1;
    while (queue.take(share).every(({ groupId }) => groupId !== 'late')) batches++;
    // One batch each for the two before it, and its own.
    expect(batches).toBeLessThanOrEqual(3);
  });

  it('takes what costs more than many turns are worth, without going round so often', () => {
    const queue = queueOf(
      [
        { groupId: 'huge', cost: 1e8, number: 0 },
        { groupId: 'huger', cost: 3e8, number: 0 },
      ],
      1,
    );
    expect(queue.take(share).map(({ groupId }) => groupId)).toEqual(['huge']);
    expect(queue.take(share).map(({ groupId }) => groupId)).toEqual(['huger']);
  });

  it('is bounded by number and cost, for a group and in all', () => {
    const limits = { maxItems: 5, maxCost: 100, maxItemsPerGroup: 3, maxCostPerGroup: 50 };
    const full = queueOf(many('a', 3, 1), 10, limits);
    expect(full.put({ groupId: 'a', cost: 1, number: 3 })).toBe('group');
    for (const item of many('b', 2, 1)) expect(full.put(item)).toBeUndefined();
    expect(full.put({ groupId: 'c', cost: 1, number: 0 })).toBe('queue');
    expect([full.size, full.cost]).toEqual([5, 5]);

    const dear = queueOf([...many('a', 1, 30), ...many('b', 1, 60)], 10, limits);
    expect(dear.put({ groupId: 'a', cost: 21, number: 1 })).toBe('group');
    expect(dear.put({ groupId: 'c', cost: 11, number: 0 })).toBe('queue');
    expect(dear.put({ groupId: 'c', cost: 10, number: 0 })).toBeUndefined();
    // What was taken makes room.
    while (dear.size > 0) dear.take(share);
    expect(dear.put({ groupId: 'a', cost: 50, number: 1 })).toBeUndefined();
  });

  it('takes in what is dearer than all limits when nothing else waits', () => {
    const limits = { maxItems: 5, maxCost: 100, maxItemsPerGroup: 3, maxCostPerGroup: 50 };
    const queue = queueOf(many('a', 1, 1_000), 10, limits);
    expect(queue.put({ groupId: 'b', cost: 1, number: 0 })).toBe('queue');
    expect(queue.take(share)).toHaveLength(1);
  });

  it('can be emptied', () => {
    const queue = queueOf([...many('a', 3, 1), ...many('b', 2, 1)]);
    expect(queue.takeAll()).toHaveLength(5);
    expect([queue.size, queue.cost, queue.take(share)]).toEqual([0, 0, []]);
  });
});
