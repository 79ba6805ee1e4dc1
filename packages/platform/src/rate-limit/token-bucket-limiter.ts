import { RecencyMap } from '../cache/recency-map.ts';
import type { Clock } from '../clock/clock.ts';
import type { RateLimiter } from './rate-limiter.ts';

export interface TokenBucketDeps {
  readonly clock: Clock;
  /** Tokens a key regains per second. */
  readonly perSecond: number;
  /** The most a key can have, and what a new key starts with. */
  readonly burst: number;
  /** Keys remembered; default 100,000. */
  readonly maxKeys?: number;
}

const taken = { ok: true } as const;

interface Bucket {
  tokens: number;
  readAtMs: number;
}

/**
 * Token buckets in memory, for one process. Beyond `maxKeys` the key unused for longest is forgotten, that is,
 * gets its whole burst back: someone with that many addresses is not stopped by limits per address, and memory is
 * what has to hold.
 */
export function createTokenBucketLimiter(deps: TokenBucketDeps): RateLimiter {
  const { clock, perSecond, burst, maxKeys = 100_000 } = deps;
  if (!(perSecond > 0) || !(burst > 0) || !(maxKeys >= 1)) {
    throw new RangeError('perSecond, burst and maxKeys must be positive');
  }
  const bucketByKey = new RecencyMap<string, Bucket>();

  const refilled = (key: string, nowMs: number): Bucket => {
    const bucket = bucketByKey.get(key) ?? { tokens: burst, readAtMs: nowMs };
    // A clock that was set back gives nothing, and takes nothing away.
    const elapsedMs = Math.max(0, nowMs - bucket.readAtMs);
    bucket.tokens = Math.min(burst, bucket.tokens + (elapsedMs * perSecond) / 1000);
    bucket.readAtMs = nowMs;
    bucketByKey.set(key, bucket);
    if (bucketByKey.size > maxKeys) bucketByKey.delete(bucketByKey.oldestKey!);
    return bucket;
  };

  return {
    take(key, cost = 1) {
      if (!(cost >= 0)) throw new RangeError('cost must not be negative');
      if (cost > burst) return { ok: false, retryAfterMs: Infinity };
      const bucket = refilled(key, clock.nowMs());
      if (bucket.tokens >= cost) {
        bucket.tokens -= cost;
        return taken;
      }
      return { ok: false, retryAfterMs: Math.ceil(((cost - bucket.tokens) * 1000) / perSecond) };
    },
  };
}
