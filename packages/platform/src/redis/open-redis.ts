/** Everything that Conclave keeps in Redis: what may be lost. One connection per process serves all of it. */
import type { Cache } from '../cache/cache.ts';
import { createRedisCache, type RedisCacheOptions } from '../cache/redis-cache.ts';
import { createRedisPresence } from '../presence/redis-presence.ts';
import type { Presence } from '../presence/presence.ts';
import type { RateLimiter } from '../rate-limit/rate-limiter.ts';
import { createRedisRateLimiter, type RedisRateLimiterOptions } from '../rate-limit/redis-rate-limiter.ts';
import { openRedisLink, type RedisLinkDeps } from './redis-link.ts';

export type RedisDeps = RedisLinkDeps;

export interface Redis {
  readonly isUp: boolean;
  createRateLimiter(options: RedisRateLimiterOptions): RateLimiter;
  readonly presence: Presence;
  createCache<V>(options: RedisCacheOptions<V>): Promise<Cache<V>>;
  close(): Promise<void>;
}

/**
 * Connects, and goes on without when Redis cannot be reached: limits are then this process's own, presence is unknown, caches
 * miss, until it answers. Never rejects for its absence.
 */
export async function openRedis(deps: RedisDeps): Promise<Redis> {
  const { clock, log, metrics } = deps;
  const link = await openRedisLink(deps);
  const fallbacks = metrics.counter(
    'rate_limit_fallbacks_total',
    'Decisions on rate limits that this process took by itself because Redis did not answer.',
    ['limit'],
  );
  return {
    get isUp() {
      return link.isUp;
    },
    createRateLimiter: (options) => createRedisRateLimiter({ link, clock, log, fallbacks }, options),
    presence: createRedisPresence({ link }),
    createCache: (options) => createRedisCache({ link, clock, log }, options),
    close: async () => await link[Symbol.asyncDispose](),
  };
}
