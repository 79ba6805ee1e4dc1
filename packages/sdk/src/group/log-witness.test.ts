import { describe, expect, test } from 'vitest';
import { openEphemeralStore } from '../store/ephemeral-store.ts';
import type { Vault } from '../store/vault.ts';
import { LogWitness, type Finding, type FrameSource, type WitnessedFrame } from './log-witness.ts';

const hashOf = (seq: number): Uint8Array => new Uint8Array(32).fill(seq & 255).fill(seq >> 8, 0, 4);
const frame = (seq: number): WitnessedFrame => ({ seq, bodyHash: hashOf(seq), frameHash: hashOf(seq + 1) });

/** A device that processes frames; each call of `take` is one page. */
async function device(lastSeq = 0, epoch = 0) {
  const vault = await openEphemeralStore();
  let read = 0;
  const counting: Vault = {
    ...vault,
    get: (path) => {
      read += 1;
      return vault.get(path);
    },
  };
  const at = (seq: number) => ({ lastSeq: seq, lastSeen: hashOf(seq), epoch });
  let witness = await LogWitness.load({ vault: counting, groupId: 'g' }, at(lastSeq));
  return {
    vault,
    get witness() {
      return witness;
    },
    get reads() {
      return read;
    },
    async take(
      seqs: readonly number[],
      names: Readonly<Record<number, number>> = {},
      options: { source?: FrameSource; isSaved?: boolean } = {},
    ): Promise<readonly Finding[]> {
      const page = witness.begin();
      for (const seq of seqs) {
        const named = names[seq];
        if (named !== undefined)
          await page.hear({ seq, epoch: epoch + 1, lastSeen: hashOf(named), by: 'cem' });
        page.processed(frame(seq));
      }
      const { operations, findings, apply } = page.conclude(options.source ?? 'log');
      if (options.isSaved === false) return findings;
      await vault.transact(operations);
      apply();
      return findings;
    },
    async restart(seq: number): Promise<void> {
      witness = await LogWitness.load({ vault: counting, groupId: 'g' }, at(seq));
    },
  };
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe('what others say they saw', () => {
  test('is known, in the same page, before, and after a restart', async () => {
    const bob = await device();
    expect(await bob.take([1, 2, 3], { 3: 2 })).toEqual([]);
    expect(await bob.take([4], { 4: 1 })).toEqual([]);
    await bob.restart(4);
    expect(await bob.take([5], { 5: 2 })).toEqual([]);
  });

  test('is withheld if it never came, and said once', async () => {
    const bob = await device();
    await bob.take([1]);
    const missing = { evidence: 'withheld', seq: 2, by: 'cem' };
    expect(await bob.take([2, 3], { 2: 99, 3: 99 })).toEqual([missing]);
    expect(await bob.take([4], { 4: 99 })).toEqual([]);
  });

  test('is reordered if it comes later, in the same page or another', async () => {
    const bob = await device();
    const early = { evidence: 'reordered', seq: 2, by: 'cem' };
    expect(await bob.take([1, 2, 3], { 2: 3 })).toEqual([early]);
    expect(await bob.take([4], { 4: 5 })).toEqual([{ evidence: 'withheld', seq: 4, by: 'cem' }]);
    expect(await bob.take([5])).toEqual([{ evidence: 'reordered', seq: 4, by: 'cem' }]);
    expect(await bob.take([6], { 6: 6 })).toMatchObject([{ evidence: 'reordered', seq: 6 }]);
  });

  test('counts only what was saved', async () => {
    const bob = await device();
    await bob.take([1, 2], {}, { isSaved: false });
    expect(await bob.take([1], { 1: 2 })).toMatchObject([{ evidence: 'withheld' }]);
  });

  test('of epochs that began before the memory did is not judged', async () => {
    const bob = await device(7, 3);
    const page = bob.witness.begin();
    await page.hear({ seq: 8, epoch: 3, lastSeen: hashOf(2), by: 'cem' });
    page.processed(frame(8));
    expect(page.conclude('log').findings).toEqual([]);
    expect(await bob.take([8, 9], { 9: 2 })).toMatchObject([{ evidence: 'withheld', seq: 9 }]);
  });

  test('costs one reading at the most in a log of thousands, whatever is named', async () => {
    const bob = await device();
    for (const start of range(0, 9)) await bob.take(range(start * 400 + 1, start * 400 + 400));
    const before = bob.reads;
    await bob.take([4001, 4002, 4003], { 4001: 4000, 4002: 3, 4003: 65_000 });
    expect(bob.reads - before).toBe(2);
  });
});

describe('what the log has to show again', () => {
  test('is the last frame, and all that came by the feed until they were compared', async () => {
    const bob = await device();
    const tail = (): number[] => bob.witness.tail.map(({ seq }) => seq);
    await bob.take([1, 2, 3]);
    expect(tail()).toEqual([3]);
    await bob.take([4], {}, { source: 'feed' });
    await bob.take([5], {}, { source: 'feed' });
    expect(tail()).toEqual([3, 4, 5]);
    expect(bob.witness.hasUncompared).toBe(true);
    await bob.restart(5);
    expect(tail()).toEqual([3, 4, 5]);
    // The log was read further before all of it was compared.
    await bob.take([6, 7]);
    expect(tail()).toEqual([3, 4, 5, 7]);
    bob.witness.confirm(4);
    expect(tail()).toEqual([5, 7]);
    bob.witness.confirm(7);
    expect(tail()).toEqual([7]);
    expect(bob.witness.hasUncompared).toBe(false);
  });

  test('is bounded: after 64 frames of the feed the log is read', async () => {
    const bob = await device();
    await bob.take([1]);
    await bob.take(range(2, 63), {}, { source: 'feed' });
    expect(bob.witness.isFull).toBe(false);
    await bob.take([64], {}, { source: 'feed' });
    expect(bob.witness.isFull).toBe(true);
  });

  test('contradicts other octets under the same number, as far as it is remembered', async () => {
    const bob = await device();
    await bob.take([1, 2, 3]);
    expect(bob.witness.contradicts(3, hashOf(4))).toBe(false);
    expect(bob.witness.contradicts(3, hashOf(5))).toBe(true);
    expect(bob.witness.contradicts(2, hashOf(9))).toBe(false);
  });

  test('begins anew for a state that it does not belong to', async () => {
    const bob = await device();
    await bob.take([1, 2, 3]);
    await bob.restart(2);
    expect(bob.witness.tail).toEqual([{ seq: 2, bodyHash: hashOf(2), frameHash: undefined }]);
  });
});
