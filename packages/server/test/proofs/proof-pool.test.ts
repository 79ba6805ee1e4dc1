/** The pool with real workers: what it answers, in what order, and what it refuses. */
import { setTimeout } from 'node:timers/promises';
import { createManualClock } from '@conclave/platform/testing';
import { verifyClaims } from '@conclave/sealed-group';
import type { Claim } from '@conclave/sealed-group';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  falseKeys,
  falseSealing,
  falseSignature,
  keysClaim,
  longWork,
  malformedSignature,
  random,
  sealingClaim,
  signatureClaim,
  suite,
} from './claims.ts';
import { startPool } from './workers.ts';

const claims: readonly Claim[] = [
  signatureClaim(),
  keysClaim(3),
  sealingClaim([1, 2]),
  falseSignature(),
  malformedSignature(),
  falseKeys(),
  falseSealing([2]),
  { ...sealingClaim([1]), proof: random.bytes(100) },
];

describe('verdicts', () => {
  it('are those of the protocol, whatever frames are together', async () => {
    const { pool } = startPool({ workers: 2 });
    // A good claim of each kind comes as often as all bad ones together.
    const claim = fc.oneof(fc.constantFrom(...claims.slice(0, 3)), fc.constantFrom(...claims));
    const frame = fc.record({
      groupId: fc.constantFrom('', 'a', 'b'),
      claims: fc.array(claim, { maxLength: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { maxLength: 12 }), async (frames) => {
        const expected = verifyClaims(
          { suite, random },
          frames.map((one) => one.claims),
        );
        const answered = await Promise.all(frames.map((one) => pool.verify(one.groupId, one.claims)));
        expect(answered).toEqual(expected);
      }),
      { numRuns: 25 },
    );
  });

  it('find the false ones among a full batch', async () => {
    const { pool, metric } = startPool();
    await pool.warmUp();
    const bad = new Set([0, 17, 18, 63]);
    const frames = Array.from({ length: 64 }, (_, index) =>
      bad.has(index) ? falseSignature() : signatureClaim(),
    );
    const answers = await Promise.all(frames.map((one, index) => pool.verify(`group ${index % 5}`, [one])));
    const refused = answers.flatMap((answer, index) => (answer === undefined ? [] : [index]));
    expect(refused).toEqual([...bad]);
    expect(answers[17]).toEqual({ ok: false, rule: 'commit/eligible' });
    // What came in one turn of the event loop was verified together.
    expect(await metric('proof_batch_frames_count{lane="express"}')).toBe(1);
    expect(await metric('proof_batch_frames_sum{lane="express"}')).toBe(64);
  });

  it('of frames that come soon after a batch of several are found together', async () => {
    const clock = createManualClock();
    const { pool, metric } = startPool({}, undefined, { clock });
    await pool.warmUp();
    const batches = () => metric('proof_batch_frames_count{lane="express"}');
    const verify = () => pool.verify('a', [signatureClaim()]);
    // Who comes alone, or one after the other, waits for nobody.
    for (let alone = 0; alone < 3; alone++) await verify();
    expect(await batches()).toBe(3);
    await Promise.all([verify(), verify()]);
    const soon = [verify()];
    await setTimeout(10);
    soon.push(verify(), verify());
    await setTimeout(10);
    expect(await batches()).toBe(4);
    await clock.advance(4);
    expect(await Promise.all(soon)).toEqual([undefined, undefined, undefined]);
    expect(await batches()).toBe(5);

    // A full batch does not wait for the end of the window, nor does the end.
    await Promise.all(Array.from({ length: 64 }, verify));
    const last = verify();
    await pool.close();
    expect(await last).toBeUndefined();
    expect(await batches()).toBe(7);
  });

  it('of a message do not wait for those of commits', async () => {
    const { pool } = startPool();
    await pool.warmUp();
    const order: string[] = [];
    const commits = Array.from({ length: 4 }, async () => {
      await pool.verify('a', longWork(5_000));
      order.push('commit');
    });
    for (let message = 0; message < 3; message++) {
      expect(await pool.verify('a', [signatureClaim()])).toBeUndefined();
      order.push('message');
    }
    await Promise.all(commits);
    expect(order).toEqual([...Array(3).fill('message'), ...Array(4).fill('commit')]);
  });

  it('come at once for a frame without claims', async () => {
    const { pool } = startPool();
    expect(await pool.verify('a', [])).toBeUndefined();
  });
});

describe('a group that floods', () => {
  it('makes others wait for a batch or two', async () => {
    const clock = createManualClock();
    const { pool, metric } = startPool({}, undefined, { clock });
    await pool.warmUp();
    const dear = sealingClaim([8, 8, 8]);
    const flood = Promise.allSettled(Array.from({ length: 1_000 }, () => pool.verify('flood', [dear])));
    const batches = () => metric('proof_batch_frames_count{lane="main"}');
    // It is at work on it.
    await expect.poll(batches).toBeGreaterThan(0);
    const before = await batches();
    expect(await pool.verify('small', [sealingClaim([1])])).toBeUndefined();
    expect((await batches()) - before).toBeLessThanOrEqual(3);
    expect(await metric('proof_waiting_frames{lane="main"}')).toBeGreaterThan(800);
    const closed = pool.close();
    await clock.advance(5_000);
    await closed;
    expect((await flood).at(-1)).toMatchObject({ reason: { code: 'CONCLAVE_STOPPING' } });
  });
});

describe('too much at once', () => {
  it('is refused by number, for a group and in all, with a time to come again', async () => {
    const { pool, metric } = startPool({ maxWaitingPerGroup: 4, maxWaiting: 10 });
    const posts = ['a', 'b', 'c', 'd'].flatMap((groupId) =>
      Array.from({ length: 6 }, () => pool.verify(groupId, [signatureClaim()])),
    );
    const outcomes = await Promise.allSettled(posts);
    const accepted = outcomes.map(({ status }) => (status === 'fulfilled' ? 'x' : '-')).join('');
    expect(accepted).toBe('xxxx--xxxx--xx----------');
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') continue;
      expect(outcome.reason).toMatchObject({ code: 'CONCLAVE_OVERLOADED' });
      const { retryAfterMs } = outcome.reason.options;
      expect(retryAfterMs).toBeGreaterThanOrEqual(100);
      expect(retryAfterMs).toBeLessThanOrEqual(30_000);
    }
    expect(await metric('proof_refused_total{lane="express",reason="group"}')).toBe(4);
    expect(await metric('proof_refused_total{lane="express",reason="queue"}')).toBe(10);
    // There is room again.
    expect(await pool.verify('d', [signatureClaim()])).toBeUndefined();
  });

  it('is refused by cost; the more waits, the later it may come again', async () => {
    const { pool } = startPool({ maxWaitingPointsPerGroup: 30_000, maxWaitingPoints: 100_000 });
    const work = longWork(10_000);
    const retryAfterMs = async (groupId: string): Promise<number | undefined> => {
      try {
        await pool.verify(groupId, work);
        return undefined;
      } catch (error) {
        return (error as { options: { retryAfterMs: number } }).options.retryAfterMs;
      }
    };
    const posts = ['a', 'a', 'b', 'b', 'c', 'd', 'e', 'f'].map(retryAfterMs);
    const [first, second, ...others] = await Promise.all(posts);
    expect(first).toBeUndefined();
    expect(second).toBeGreaterThan(100);
    const [secondOfB, sixth] = [others[1], others[5]];
    expect(others.map((wait) => wait === undefined)).toEqual([true, false, true, true, true, false]);
    expect(secondOfB).toBeGreaterThan(second!);
    expect(sixth).toBeGreaterThan(secondOfB!);
  });
});

describe('closing', () => {
  it('ends what waits and takes nothing more', async () => {
    const { pool } = startPool();
    const waiting = [pool.verify('a', [signatureClaim()]), pool.verify('a', longWork(2_000))];
    const closed = pool.close();
    await expect(pool.verify('a', [signatureClaim()])).rejects.toMatchObject({ code: 'CONCLAVE_STOPPING' });
    expect(await Promise.all(waiting)).toEqual([undefined, undefined]);
    await closed;
    await pool.close();
  });

  it('refuses what takes too long', async () => {
    const clock = createManualClock();
    const { pool } = startPool({}, undefined, { clock });
    await pool.warmUp();
    const endless = [pool.verify('a', longWork(400_000)), pool.verify('a', [sealingClaim([1])])];
    const outcomes = Promise.allSettled(endless);
    const closed = pool.close();
    await clock.advance(5_000);
    await closed;
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'CONCLAVE_STOPPING' } });
    }
  });
});
