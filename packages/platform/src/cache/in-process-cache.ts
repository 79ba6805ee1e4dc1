import type { Clock } from '../clock/clock.ts';
import type { Cache, CacheOptions } from './cache.ts';
import { LocalCopies } from './local-copies.ts';
import { SharedLoads } from './shared-loads.ts';

/** A cache of this process alone. Where there are others, only for what never changes under its key. */
export function createInProcessCache<V>(deps: { readonly clock: Clock }, options: CacheOptions<V>): Cache<V> {
  const copies = new LocalCopies<V>(deps.clock, options);
  const loads = new SharedLoads<V>();
  return {
    get: async (key) => copies.get(key),
    async getOrLoad(key, load) {
      const known = copies.get(key);
      if (known !== undefined) return known;
      return await loads.join(key, async (mayKeep) => {
        const value = await load();
        if (value !== undefined && mayKeep()) copies.put(key, value);
        return value;
      });
    },
    async delete(key) {
      loads.invalidate(key);
      copies.delete(key);
      return true;
    },
  };
}
