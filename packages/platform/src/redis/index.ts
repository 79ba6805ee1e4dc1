/** Conclave's part of Redis. Apart from the index of the package, so that who has no Redis loads no client of it. */
export { openRedis, type Redis, type RedisDeps } from './open-redis.ts';
export { RedisError, type RedisErrorCode } from './redis-error.ts';
export type { RedisLinkLimits } from './redis-link.ts';
export type { RedisCacheOptions } from '../cache/redis-cache.ts';
export type { RedisRateLimiterOptions } from '../rate-limit/redis-rate-limiter.ts';
