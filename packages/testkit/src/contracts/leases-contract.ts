/** What every adapter of the `Leases` port keeps (packages/platform/src/leases/leases.ts), within one process. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Lease, Leases } from '@conclave/platform';
import { codeOf } from './rejection.ts';

export function leasesContract(adapter: string, createLeases: () => Promise<Leases>): void {
  describe(`${adapter}: leases contract`, () => {
    let leases: Leases;
    let probes = 0;

    beforeEach(async () => {
      leases = await createLeases();
    });

    afterEach(() => leases.close());

    /** Whether the promise is settled once everything that is due has happened: another lease was acquired meanwhile. */
    const isSettled = async (promise: Promise<unknown>): Promise<boolean> => {
      let settled = false;
      const note = () => void (settled = true);
      promise.then(note, note);
      const probe = await leases.acquire(`probe ${(probes += 1)}`);
      await probe.release();
      return settled;
    };

    test('gives what is free, with the first token', async () => {
      const lease = await leases.acquire('a');
      expect(lease).toMatchObject({ name: 'a', token: 1 });
      expect(lease.isHeld()).toBe(true);
      expect(lease.lost.aborted).toBe(false);
    });

    test('gives different names independently', async () => {
      const held = await Promise.all(['a', 'b', 'c'].map((name) => leases.acquire(name)));
      expect(held.every((lease) => lease.isHeld())).toBe(true);
    });

    test('makes the second wait until the first releases, and gives it a larger token', async () => {
      const first = await leases.acquire('a');
      const waiting = leases.acquire('a');
      expect(await isSettled(waiting)).toBe(false);
      await first.release();
      const second = await waiting;
      expect(second.token).toBeGreaterThan(first.token);
      expect([first.isHeld(), second.isHeld()]).toEqual([false, true]);
      expect(first.lost.aborted).toBe(true);
    });

    test('is held by one at a time, with tokens that increase, however many want it', async () => {
      let holders = 0;
      const tokens: number[] = [];
      await Promise.all(
        Array.from({ length: 20 }, async () => {
          const lease = await leases.acquire('a');
          holders += 1;
          expect(holders).toBe(1);
          tokens.push(lease.token);
          await new Promise((resolve) => {
            setImmediate(resolve);
          });
          expect(lease.isHeld()).toBe(true);
          holders -= 1;
          await lease.release();
        }),
      );
      expect(tokens).toEqual(tokens.toSorted((a, b) => a - b));
      expect(new Set(tokens).size).toBe(20);
    });

    test('lets whoever waits give up, and forgets them', async () => {
      const first = await leases.acquire('a');
      const impatient = new AbortController();
      const given = leases.acquire('a', { signal: impatient.signal });
      impatient.abort(new Error('enough'));
      await expect(given).rejects.toThrow('enough');
      await expect(leases.acquire('a', { signal: AbortSignal.abort(new Error('never')) })).rejects.toThrow(
        'never',
      );
      await first.release();
      expect((await leases.acquire('a')).isHeld()).toBe(true);
    });

    test('is released once, whoever holds it since', async () => {
      const first = await leases.acquire('a');
      await first.release();
      const second = await leases.acquire('a');
      await first.release();
      expect(second.isHeld()).toBe(true);
      expect(await isSettled(leases.acquire('a'))).toBe(false);
    });

    test('lists what is held, in order', async () => {
      const held: Lease[] = [];
      for (const name of ['b', 'a', 'c']) held.push(await leases.acquire(name));
      await held[2]!.release();
      expect((await leases.list()).map(({ name, token }) => [name, token])).toEqual([
        ['a', 1],
        ['b', 1],
      ]);
      expect((await leases.list())[0]!.holder).not.toBe('');
    });

    test('loses all of them and gives no more when it is closed', async () => {
      const held = await leases.acquire('a');
      const waiting = codeOf(leases.acquire('a'));
      await leases.close();
      expect(held.isHeld()).toBe(false);
      expect(held.lost.aborted).toBe(true);
      expect(await waiting).toBe('LEASES_CLOSED');
      expect(await codeOf(leases.acquire('b'))).toBe('LEASES_CLOSED');
      await leases.close();
    });
  });
}
