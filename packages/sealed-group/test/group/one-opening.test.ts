/** What receiving costs: one sealed secret is opened, and the rest of the path is hashed, wherever the receiver stands. */
import { expect, it } from 'vitest';
import { DenseGroup, valueOf } from '../../bench/dense-group.ts';
import { createSuite } from '../../src/suite.ts';
import type { Suite } from '../../src/suite.ts';

function countingOpenings(): { suite: Suite; opened: () => number } {
  const suite = createSuite();
  const { digitLog } = suite;
  let opened = 0;
  const find: typeof digitLog.find = (points) => {
    opened += 1;
    return digitLog.find(points);
  };
  const counting = { ...digitLog, find };
  return { suite: { ...suite, digitLog: counting }, opened: () => opened };
}

it.each([1, 2, 16, 40, 63])('a commit in a group of 64 is opened once by leaf %d', (leaf) => {
  const { suite, opened } = countingOpenings();
  const group = new DenseGroup(suite, 64);
  const member = group.member(leaf);
  const { bytes } = group.commit(group.publicGroup(), 0);
  const before = opened();
  valueOf(member.processFrame(bytes, 2));
  expect(opened() - before).toBe(1);
});
