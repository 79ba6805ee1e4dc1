import { expect, test } from 'vitest';
import { rateLimiterContract } from '@conclave/testkit/contracts';
import { createTokenBucketLimiter } from '@conclave/platform';
import { createManualClock } from '@conclave/platform/testing';

rateLimiterContract('in memory', async () => {
  const clock = createManualClock();
  return {
    limiter: createTokenBucketLimiter({ clock, perSecond: 10, burst: 5 }),
    perSecond: 10,
    nowMs: () => clock.nowMs(),
    pass: (ms) => clock.advance(ms),
    destroy: async () => {},
  };
});

test('the key unused for longest is forgotten when there are too many', async () => {
  const limiter = createTokenBucketLimiter({
    clock: createManualClock(),
    perSecond: 1,
    burst: 1,
    maxKeys: 2,
  });
  expect(await limiter.take('a')).toEqual({ ok: true });
  expect(await limiter.take('b')).toEqual({ ok: true });
  expect(await limiter.take('a')).toMatchObject({ ok: false });
  expect(await limiter.take('c')).toEqual({ ok: true });
  expect(await limiter.take('a'), 'used after b, hence remembered').toMatchObject({ ok: false });
  expect(await limiter.take('b'), 'forgotten, hence full').toEqual({ ok: true });
});

test('limits that make no sense are refused', () => {
  const clock = createManualClock();
  for (const limits of [
    { perSecond: 0, burst: 1 },
    { perSecond: 1, burst: Number.NaN },
    { perSecond: 1, burst: 1, maxKeys: 0 },
  ]) {
    expect(() => createTokenBucketLimiter({ clock, ...limits })).toThrow(RangeError);
  }
});

test('a clock that is set back takes nothing away', async () => {
  let nowMs = 1_000_000;
  const clock = { ...createManualClock(), nowMs: () => nowMs };
  const limiter = createTokenBucketLimiter({ clock, perSecond: 1, burst: 2 });
  expect(await limiter.take('a')).toEqual({ ok: true });
  nowMs -= 60_000;
  expect(await limiter.take('a')).toEqual({ ok: true });
  expect(await limiter.take('a')).toEqual({ ok: false, retryAfterMs: 1_000 });
});
