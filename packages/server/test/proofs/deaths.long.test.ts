/** Workers that die: by another's hand, of their work, of its size, of its length. */
import { createManualClock } from '@conclave/platform/testing';
import { describe, expect, it } from 'vitest';
import type { Worker } from 'node:worker_threads';
import { falseSignature, falseSealing, longWork, sealingClaim, signatureClaim } from './claims.ts';
import { startPool, watchWorkers } from './workers.ts';

/** Dead once its exit was heard, however it was killed. */
const deaths = '{lane="main"}';

describe('the death of a worker', () => {
  it('in the midst of its work is followed by another that repeats it', async () => {
    const workers = watchWorkers();
    const { pool, metric, logged } = startPool({ workers: 2 });
    await pool.warmUp();
    const frames = Array.from({ length: 24 }, (_, index) => [
      ...longWork(index % 4 === 0 ? 3_000 : 100),
      index % 3 === 0 ? falseSealing([1]) : sealingClaim([1]),
    ]);
    const posts = Promise.all(frames.map((claims, index) => pool.verify(`group ${index % 7}`, claims)));
    await expect.poll(() => metric('proof_batch_frames_count{lane="main"}')).toBeGreaterThan(1);
    // The express lane's came first.
    const [, ...main] = workers;
    await Promise.all(main.map((worker) => worker.terminate()));
    const verdicts = await posts;
    expect(verdicts.map((verdict) => verdict === undefined)).toEqual(
      frames.map((_, index) => index % 3 !== 0),
    );
    expect(await metric(`proof_worker_deaths_total${deaths}`)).toBe(2);
    expect(workers.length).toBe(5);
    expect(logged.filter((line) => line.includes('a proof worker died'))).toHaveLength(2);
    expect(logged.join('')).not.toContain('group ');
  });

  it('comes to idle ones too, and nobody notices', async () => {
    const workers = watchWorkers();
    const { pool } = startPool();
    for (let round = 0; round < 3; round++) {
      expect(await pool.verify('a', [signatureClaim()])).toBeUndefined();
      await workers.at(-1)!.terminate();
    }
    expect(await pool.verify('a', [falseSignature()])).toMatchObject({ rule: 'commit/eligible' });
  });

  it('is that of one that speaks nonsense, too', async () => {
    const workers = watchWorkers();
    const { pool, metric, logged } = startPool();
    const nonsense = [
      'verdicts',
      { kind: 'verdicts', verdicts: [] },
      { kind: 'verdicts', verdicts: [{ ok: false, rule: 'toString' }] },
      { kind: 'verdicts', verdicts: [{ ok: true }] },
    ];
    await pool.warmUp();
    for (const [index, message] of nonsense.entries()) {
      const work = pool.verify('a', [...longWork(2_000), falseSealing([1])]);
      await expect.poll(() => metric('proof_waiting_frames{lane="main"}')).toBe(0);
      await expect.poll(() => metric('proof_workers{lane="main"}')).toBe(1);
      workers.at(-1)!.emit('message', message);
      await expect.poll(() => metric(`proof_worker_deaths_total${deaths}`)).toBe(index + 1);
      expect(await work).toMatchObject({ ok: false });
    }
    expect(logged.filter((line) => line.includes('spoke nonsense'))).toHaveLength(nonsense.length);
  });

  it('again and again at the start is followed by the next later and later', async () => {
    const clock = createManualClock();
    const workers = watchWorkers((worker: Worker) => void worker.terminate());
    const { pool, logged } = startPool({}, undefined, { clock });
    const waiting = pool.verify('a', [signatureClaim()]);
    const outcome = waiting.catch((error: unknown) => error);
    for (const [index, restMs] of [0, 0, 100, 200, 400].entries()) {
      await expect.poll(() => logged.length).toBe(index + 1);
      if (restMs > 0) await clock.advance(restMs - 1);
      expect(workers).toHaveLength(index + 1);
      await clock.advance(1);
      expect(workers).toHaveLength(index + 2);
    }
    const closed = pool.close();
    await clock.advance(5_000);
    await closed;
    expect(await outcome).toMatchObject({ code: 'CONCLAVE_STOPPING' });
  });

  it('before it was ready fails the start', async () => {
    watchWorkers((worker: Worker) => void worker.terminate());
    const { pool } = startPool();
    await expect(pool.warmUp()).rejects.toThrow('died before all had started');
  });
});

describe('work that ends every worker', () => {
  it('is refused after the second, and the neighbours in its batch are answered', async () => {
    const { pool, metric, logged } = startPool();
    await pool.warmUp();
    // No frame is as large; the kernel has no room for it and throws.
    const poison = { ...signatureClaim(), context: new Uint8Array(2 ** 28) };
    const frames = [signatureClaim(), poison, falseSignature(), signatureClaim()];
    const posts = frames.map((claim, index) => pool.verify(`group ${index}`, [claim]));
    const [first, second, third, fourth] = await Promise.allSettled(posts);
    expect(first).toEqual({ status: 'fulfilled', value: undefined });
    expect(second).toMatchObject({ status: 'rejected', reason: { code: 'PROOFS_UNVERIFIABLE' } });
    expect(third).toMatchObject({ status: 'fulfilled', value: { ok: false } });
    expect(fourth).toEqual({ status: 'fulfilled', value: undefined });
    // All four were together at first.
    expect(await metric('proof_batch_frames_bucket{le="4",lane="express"}')).toBeGreaterThan(
      await metric('proof_batch_frames_bucket{le="2",lane="express"}'),
    );
    expect(await metric('proof_worker_deaths_total{lane="express"}')).toBe(2);
    expect(await metric('proof_refused_total{lane="express",reason="deadly"}')).toBe(1);
    expect(logged.join('')).toContain('"reason":"crashed"');
    expect(logged.join('')).not.toContain('group 1');
  });

  it('by its length is refused too', async () => {
    const { pool, logged } = startPool({}, { batchLimitMs: 1_000, maxHeapMb: 256 });
    await pool.warmUp();
    await expect(pool.verify('a', longWork(250_000))).rejects.toMatchObject({ code: 'PROOFS_UNVERIFIABLE' });
    expect(logged.join('')).toContain('took too long');
    expect(await pool.verify('b', [sealingClaim([1])])).toBeUndefined();
  });

  it('by its size is refused too', async () => {
    const { pool, logged } = startPool({}, { batchLimitMs: 60_000, maxHeapMb: 48 });
    await pool.warmUp();
    const huge = pool.verify('a', longWork(400_000));
    await expect(huge).rejects.toMatchObject({ code: 'PROOFS_UNVERIFIABLE' });
    expect(logged.join('')).toContain('ERR_WORKER_OUT_OF_MEMORY');
    expect(await pool.verify('a', [sealingClaim([1])])).toBeUndefined();
  });
});
