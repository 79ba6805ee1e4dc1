/**
 * A cache that all processes share: a process's own copies, in front of Redis, in front of the truth.
 *
 *   get ─▶ own copy ─▶ Redis ─▶ load ─▶ SET NX ─▶ own copy
 *             ▲                            │
 *             └── dropped by a message ◀── PUBLISH ◀── tombstone ◀── delete, in any process
 *
 * Values and messages come over one connection, in order. When it is lost, messages may be: own copies are dropped, and none is
 * made before the process hears messages again. While Redis is down nothing is cached at all, and every get loads.
 */
import type { Clock } from '../clock/clock.ts';
import type { Log } from '../log/log.ts';
import { createTokenBucketLimiter } from '../rate-limit/token-bucket-limiter.ts';
import { RedisError } from '../redis/redis-error.ts';
import type { RedisClient, RedisLink } from '../redis/redis-link.ts';
import type { Cache, CacheCodec, CacheOptions } from './cache.ts';
import { LocalCopies } from './local-copies.ts';
import { SharedLoads } from './shared-loads.ts';

export interface RedisCacheOptions<V> extends CacheOptions<V> {
  readonly codec: CacheCodec<V>;
  /**
   * What this process adds to Redis and is not yet over, by `sizeOf`: beyond it values are only kept here. Redis holds limits
   * too, and is not to be filled by copies.
   */
  readonly maxSharedBytes: number;
}

export interface RedisCacheDeps {
  readonly link: RedisLink;
  readonly clock: Clock;
  readonly log: Log;
}

/** A load that takes longer is not kept: a tombstone may have come and gone meanwhile. */
const maxLoadMs = 2_000;
const tombstoneMs = 2 * maxLoadMs;

export async function createRedisCache<V>(
  { link, clock, log }: RedisCacheDeps,
  options: RedisCacheOptions<V>,
): Promise<Cache<V>> {
  const { name, codec, ttlMs, maxSharedBytes, maxValueBytes, sizeOf } = options;
  const channel = `${link.prefix}cache:${name}`;
  const keyOf = (key: string) => `${channel}:${key}`;
  const copies = new LocalCopies<V>(clock, options);
  const loads = new SharedLoads<V>();
  // Half at once and half over the time that a value lives: together never more than the whole.
  const shared = createTokenBucketLimiter({
    clock,
    burst: maxSharedBytes / 2,
    perSecond: maxSharedBytes / 2 / (ttlMs / 1_000),
    maxKeys: 1,
  });

  const drop = (key: string): void => {
    loads.invalidate(key);
    copies.delete(key);
  };
  link.onChange((isUp) => {
    if (isUp) return;
    loads.invalidateAll();
    copies.clear();
  });
  await link.onConnect(async (redis) => {
    await redis.subscribe(channel, drop);
  });

  /** Undefined also when Redis does not answer. */
  const ask = async <T>(question: (redis: RedisClient) => Promise<T>): Promise<T | undefined> => {
    try {
      return await link.run(question);
    } catch (err) {
      if (!(err instanceof RedisError)) throw err;
      // That Redis is down has been said by the link.
      if (err.code === 'REDIS_REFUSED') log.error({ err, cache: name }, 'Redis refused to serve as a cache');
      return undefined;
    }
  };

  const read = async (key: string): Promise<V | undefined> => {
    const octets = await ask((redis) => redis.get(keyOf(key)));
    // A tombstone is empty; a value never is.
    if (octets == null || octets.length === 0) return undefined;
    return codec.decode(Buffer.from(octets).subarray(1));
  };

  const write = async (key: string, value: V): Promise<void> => {
    const size = sizeOf(value);
    if (size > maxValueBytes) return;
    const verdict = shared.take('all', size);
    if (verdict instanceof Promise || !verdict.ok) return;
    const octets = Buffer.concat([Buffer.from([1]), codec.encode(value)]);
    await ask((redis) =>
      redis.set(keyOf(key), octets, { condition: 'NX', expiration: { type: 'PX', value: ttlMs } }),
    );
  };

  return {
    get: async (key) => copies.get(key) ?? (await read(key)),

    async getOrLoad(key, load) {
      const known = copies.get(key);
      if (known !== undefined) return known;
      return await loads.join(key, async (mayKeep) => {
        const found = await read(key);
        if (found !== undefined) {
          if (mayKeep() && link.isUp) copies.put(key, found);
          return found;
        }
        const startedAtMs = clock.nowMs();
        const value = await load();
        if (value === undefined || !mayKeep() || !link.isUp) return value;
        if (Math.abs(clock.nowMs() - startedAtMs) > maxLoadMs) return value;
        await write(key, value);
        if (mayKeep() && link.isUp) copies.put(key, value);
        return value;
      });
    },

    async delete(key) {
      drop(key);
      const dropped = await ask((redis) =>
        redis.dropCached({ key: keyOf(key), channel, message: key, tombstoneMs }),
      );
      return dropped !== undefined;
    },
  };
}
