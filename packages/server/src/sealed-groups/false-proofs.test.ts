import { createManualClock } from '@conclave/platform/testing';
import type { Instance } from '@conclave/sealed-group';
import { expect, it } from 'vitest';
import { createFalseProofs } from './false-proofs.ts';

const leaf = { leaf: 3, epoch: 7 } as Instance;

it('a leaf with false proofs waits, doubling, and others do not', () => {
  const clock = createManualClock(1_000_000);
  const falseProofs = createFalseProofs({ clock, maxEntries: 10 });
  expect(falseProofs.waitMs('g', leaf)).toBe(0);
  const waits = Array.from({ length: 8 }, () => {
    falseProofs.note('g', leaf);
    return falseProofs.waitMs('g', leaf);
  });
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 64_000]);
  expect(falseProofs.waitMs('h', leaf)).toBe(0);
  expect(falseProofs.waitMs('g', { ...leaf, epoch: 8 })).toBe(0);
});

it('what was long ago is forgiven', async () => {
  const clock = createManualClock(1_000_000);
  const falseProofs = createFalseProofs({ clock, maxEntries: 10 });
  falseProofs.note('g', leaf);
  falseProofs.note('g', leaf);
  await clock.advance(2_000 + 600_000);
  expect(falseProofs.waitMs('g', leaf)).toBe(0);
  falseProofs.note('g', leaf);
  expect(falseProofs.waitMs('g', leaf)).toBe(1_000);
});

it('keeps a bounded number of offenders, the latest', () => {
  const clock = createManualClock(1_000_000);
  const falseProofs = createFalseProofs({ clock, maxEntries: 2 });
  for (const group of ['a', 'b', 'c']) falseProofs.note(group, leaf);
  expect(['a', 'b', 'c'].map((group) => falseProofs.waitMs(group, leaf) > 0)).toEqual([false, true, true]);
});
