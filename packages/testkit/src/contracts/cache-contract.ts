/** What every adapter of the `Cache` port keeps (packages/platform/src/cache/cache.ts). */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Cache } from '@conclave/platform';

export interface ContractCache {
  /** Of texts, by their length: 100 characters together, 40 each, for 500 ms. Empty. */
  readonly cache: Cache<string>;
  /** Lets time pass: a manual clock's, or real time for a server that has its own. */
  pass(ms: number): Promise<void>;
  destroy(): Promise<void>;
}

export function cacheContract(adapter: string, create: () => Promise<ContractCache>): void {
  describe(`${adapter}: cache contract`, () => {
    let contract: ContractCache;
    let cache: Cache<string>;
    let loads: number;

    beforeEach(async () => {
      contract = await create();
      cache = contract.cache;
      loads = 0;
    });

    afterEach(() => contract.destroy());

    const load = (value: string | undefined) => async () => {
      loads++;
      return value;
    };

    test('has nothing that was not loaded', async () => {
      expect(await cache.get('a')).toBeUndefined();
      expect(await cache.delete('a')).toBe(true);
    });

    test('loads once, and gives what was loaded after that', async () => {
      expect(await cache.getOrLoad('a', load('one'))).toBe('one');
      expect(await cache.getOrLoad('a', load('two'))).toBe('one');
      expect(await cache.get('a')).toBe('one');
      expect(await cache.getOrLoad('b', load('other'))).toBe('other');
      expect(loads).toBe(2);
    });

    test('callers at once share one load', async () => {
      const finish = Promise.withResolvers<void>();
      const slow = async () => {
        loads++;
        await finish.promise;
        return 'one';
      };
      const asked = Promise.all(Array.from({ length: 10 }, () => cache.getOrLoad('a', slow)));
      finish.resolve();
      expect(new Set(await asked)).toEqual(new Set(['one']));
      expect(loads).toBe(1);
    });

    test('keeps no absence, no failure and nothing large', async () => {
      expect(await cache.getOrLoad('a', load(undefined))).toBeUndefined();
      await expect(cache.getOrLoad('a', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
      expect(await cache.getOrLoad('a', load('x'.repeat(41)))).toBe('x'.repeat(41));
      expect(await cache.get('a')).toBeUndefined();
      expect(await cache.getOrLoad('a', load('small'))).toBe('small');
      expect(await cache.get('a')).toBe('small');
    });

    test('drops what is deleted', async () => {
      await cache.getOrLoad('a', load('one'));
      await cache.getOrLoad('b', load('other'));
      await cache.delete('a');
      expect(await cache.get('a')).toBeUndefined();
      expect(await cache.get('b')).toBe('other');
      expect(await cache.getOrLoad('a', load('two'))).toBe('two');
    });

    test('a load that began before the deletion is given to who asked, and not kept', async () => {
      const begun = Promise.withResolvers<void>();
      const finish = Promise.withResolvers<void>();
      const asked = cache.getOrLoad('a', async () => {
        begun.resolve();
        await finish.promise;
        return 'old';
      });
      await begun.promise;
      await cache.delete('a');
      const later = cache.getOrLoad('a', load('new'));
      finish.resolve();
      expect(await asked).toBe('old');
      expect(await later).toBe('new');
      expect([undefined, 'new']).toContain(await cache.get('a'));
    });

    test('forgets in time', async () => {
      await cache.getOrLoad('a', load('one'));
      await contract.pass(501);
      expect(await cache.get('a')).toBeUndefined();
    });
  });
}
