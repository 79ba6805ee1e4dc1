/** What every adapter of the `RateLimiter` port keeps (packages/platform/src/rate-limit/rate-limiter.ts). */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RateLimiter } from '@conclave/platform';

export interface ContractRateLimiter {
  /** Bursts of five, nothing taken yet. */
  readonly limiter: RateLimiter;
  /** Tokens that a key regains per second. */
  readonly perSecond: number;
  /** The limiter's time, as far as it can be told from here. */
  nowMs(): number;
  /** Lets the limiter's time pass: a manual clock's, or real time for a server that has its own. */
  pass(ms: number): Promise<void>;
  destroy(): Promise<void>;
}

export function rateLimiterContract(adapter: string, create: () => Promise<ContractRateLimiter>): void {
  describe(`${adapter}: rate limiter contract`, () => {
    let contract: ContractRateLimiter;
    let limiter: RateLimiter;
    let keys = 0;

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

    const tokenMs = () => 1_000 / contract.perSecond;

    /**
     * What `look` sees of new keys, after `prepare`, within the time of less than one token. Where time is real and the machine was busy, it looks
     * again: no test depends on how fast it is.
     */
    const atOnce = async <T>(
      look: (a: string, b: string) => Promise<T>,
      prepare: (a: string) => Promise<void> = async () => undefined,
    ): Promise<T> => {
      for (;;) {
        const [a, b] = [`key-${(keys += 1)}`, `key-${(keys += 1)}`] as const;
        await prepare(a);
        const startedAtMs = contract.nowMs();
        const seen = await look(a, b);
        if (contract.nowMs() - startedAtMs < tokenMs()) return seen;
      }
    };

    test('allows the burst and no more, also when asked at once', async () => {
      expect(await atOnce((a) => allowed(a, 20))).toBe(5);
    });

    test('never allows more than the burst and the rate, however long it is asked', async () => {
      const startedAtMs = contract.nowMs();
      let count = 0;
      for (let round = 0; round < 20; round++) {
        count += await allowed('steady', 5);
        await contract.pass(tokenMs() / 10);
      }
      const regained = Math.floor(((contract.nowMs() - startedAtMs + 1) * contract.perSecond) / 1_000);
      expect(count).toBeGreaterThanOrEqual(5);
      expect(count).toBeLessThanOrEqual(5 + regained);
    });

    test('keeps keys apart', async () => {
      expect(await atOnce(async (a, b) => [await allowed(a, 20), await allowed(b, 20)])).toEqual([5, 5]);
    });

    test('says how long to wait, and allows after that', async () => {
      const refused = await atOnce(async (a) => {
        await allowed(a, 20);
        return { key: a, verdict: await limiter.take(a) };
      });
      if (refused.verdict.ok) throw new Error('allowed beyond the burst');
      expect(refused.verdict.retryAfterMs).toBeGreaterThan(0);
      expect(refused.verdict.retryAfterMs).toBeLessThanOrEqual(tokenMs());
      await contract.pass(refused.verdict.retryAfterMs);
      expect(await limiter.take(refused.key)).toEqual({ ok: true });
    });

    test('refills to the burst, not above it', async () => {
      const emptied = async (key: string) => {
        await allowed(key, 20);
        await contract.pass(8 * tokenMs());
      };
      expect(await atOnce((a) => allowed(a, 20), emptied)).toBe(5);
    });

    test('counts the cost, and a refusal costs nothing', async () => {
      const verdicts = await atOnce(async (a) => [
        await limiter.take(a, 3),
        await limiter.take(a, 3),
        await limiter.take(a, 2),
      ]);
      expect(verdicts.map(({ ok }) => ok)).toEqual([true, false, true]);
    });

    test('can never allow a cost above the burst', async () => {
      const [verdict, rest] = await atOnce(
        async (a) => [await limiter.take(a, 6), await allowed(a, 20)] as const,
      );
      expect(verdict).toEqual({ ok: false, retryAfterMs: Infinity });
      expect(rest).toBe(5);
    });
  });
}
