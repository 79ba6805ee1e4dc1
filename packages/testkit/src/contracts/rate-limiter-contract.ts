/** What every adapter of the `RateLimiter` port keeps (packages/platform/src/rate-limit/rate-limiter.ts). */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RateLimiter } from '@conclave/platform';

export interface ContractRateLimiter {
  /** Ten tokens per second, bursts of five, nothing taken yet. */
  readonly limiter: RateLimiter;
  /** Lets the limiter's time pass: a manual clock's, or real time for a server that has its own. */
  pass(ms: number): Promise<void>;
  destroy(): Promise<void>;
}

export function rateLimiterContract(adapter: string, create: () => Promise<ContractRateLimiter>): void {
  describe(`${adapter}: rate limiter contract`, () => {
    let contract: ContractRateLimiter;
    let limiter: RateLimiter;

    beforeEach(async () => {
      contract = await create();
      limiter = contract.limiter;
    });

    afterEach(() => contract.destroy());

    /** How many of `count` attempts are allowed. */
    const allowed = async (key: string, count: number) => {
      const results = await Promise.all(Array.from({ length: count }, async () => limiter.take(key)));
      return results.filter(({ ok }) => ok).length;
    };

    test('allows the burst and no more, also when asked at once', async () => {
      expect(await allowed('a', 20)).toBe(5);
    });

    test('keeps keys apart', async () => {
      expect(await allowed('a', 20)).toBe(5);
      expect(await allowed('b', 20)).toBe(5);
    });

    test('says how long to wait, and allows after that', async () => {
      await allowed('a', 20);
      const refused = await limiter.take('a');
      if (refused.ok) throw new Error('allowed beyond the burst');
      expect(refused.retryAfterMs).toBeGreaterThan(0);
      expect(refused.retryAfterMs).toBeLessThanOrEqual(100);
      await contract.pass(refused.retryAfterMs);
      expect(await limiter.take('a')).toEqual({ ok: true });
    });

    test('refills to the burst, not above it', async () => {
      await allowed('a', 20);
      await contract.pass(2_000);
      expect(await allowed('a', 20)).toBe(5);
    });

    test('counts the cost, and a refusal costs nothing', async () => {
      expect(await limiter.take('a', 3)).toEqual({ ok: true });
      expect(await limiter.take('a', 3)).toMatchObject({ ok: false });
      expect(await limiter.take('a', 2)).toEqual({ ok: true });
    });

    test('can never allow a cost above the burst', async () => {
      expect(await limiter.take('a', 6)).toEqual({ ok: false, retryAfterMs: Infinity });
      expect(await allowed('a', 20)).toBe(5);
    });
  });
}
