/**
 * Token buckets that all processes share (take-tokens-script.ts). While Redis is down, and for the one question that found it
 * so, this process limits by buckets of its own: N processes then allow N times as much for that while, and nobody waits.
 *
 *   take ─▶ link up? ─▶ Redis ─▶ its answer
 *              │ no        └ late, lost ─┐
 *              └──────────▶ own buckets ◀┘   answered at once
 */
import type { Log } from '../log/log.ts';
import type { Counter } from 'prom-client';
import { RedisError } from '../redis/redis-error.ts';
import type { RedisLink } from '../redis/redis-link.ts';
import type { RateLimiter, RateVerdict } from './rate-limiter.ts';
import { createTokenBucketLimiter } from './token-bucket-limiter.ts';
import type { Clock } from '../clock/clock.ts';

export interface RedisRateLimiterOptions {
  /** Keeps this limit's keys apart from others'. The same in all processes. */
  readonly name: string;
  /** Tokens a key regains per second; at most 1,000,000. */
  readonly perSecond: number;
  /** The most a key can have, and what a new key starts with. */
  readonly burst: number;
  /** Keys that this process remembers while Redis is down; default 100,000. */
  readonly maxKeys?: number;
}

export interface RedisRateLimiterDeps {
  readonly link: RedisLink;
  readonly clock: Clock;
  readonly log: Log;
  /** Counts what this process decided by itself. */
  readonly fallbacks: Counter<'limit'>;
}

const taken = { ok: true } as const;

export function createRedisRateLimiter(
  { link, clock, log, fallbacks }: RedisRateLimiterDeps,
  options: RedisRateLimiterOptions,
): RateLimiter {
  const { name, perSecond, burst } = options;
  const own = createTokenBucketLimiter({ clock, ...options });
  if (perSecond > 1_000_000) throw new RangeError('perSecond must be 1,000,000 at the most');
  const tokenUs = Math.round(1_000_000 / perSecond);
  const keyOf = (key: string) => `${link.prefix}limit:${name}:${key}`;

  const takeHere = (key: string, cost: number) => {
    fallbacks.inc({ limit: name });
    return own.take(key, cost);
  };

  const takeThere = async (key: string, cost: number): Promise<RateVerdict> => {
    try {
      const retryAfterMs = await link.run((redis) =>
        redis.takeTokens({ key: keyOf(key), tokenUs, burst, cost }),
      );
      return retryAfterMs === 0 ? taken : { ok: false, retryAfterMs };
    } catch (err) {
      if (!(err instanceof RedisError)) throw err;
      // The link has said so if Redis is down; that it refuses this command is for the operator to look at.
      if (err.code === 'REDIS_REFUSED')
        log.error({ err, limit: name }, 'Redis refused to count a rate limit');
      return takeHere(key, cost);
    }
  };

  return {
    take(key, cost = 1) {
      if (!(cost >= 0)) throw new RangeError('cost must not be negative');
      if (cost > burst) return { ok: false, retryAfterMs: Infinity };
      return link.isUp ? takeThere(key, cost) : takeHere(key, cost);
    },
  };
}
