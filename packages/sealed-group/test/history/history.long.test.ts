import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { History, step } from './history.ts';

describe('long random histories', () => {
  test.each([
    { maxMembers: 6, steps: 80, sealingProof: true },
    { maxMembers: 14, steps: 100, sealingProof: false },
  ])('of up to $maxMembers members over $steps steps', ({ maxMembers, steps, sealingProof }) => {
    const totals: History['counts'][] = [];
    fc.assert(
      fc.property(fc.array(step, { minLength: steps, maxLength: steps }), (played) => {
        const history = new History('long', { maxMembers, sealingProof });
        for (const next of played) {
          history.play(next);
          history.check();
        }
        totals.push(history.counts);
      }),
      { numRuns: 2, endOnFailure: true },
    );
    for (const { commits, sealedToMembers } of totals) {
      expect(commits).toBeGreaterThan(steps / 4);
      expect(sealedToMembers).toBeGreaterThan(0);
    }
    expect(Math.max(...totals.map(({ removed }) => removed))).toBeGreaterThan(2);
    expect(Math.max(...totals.map(({ peak }) => peak))).toBeGreaterThan(maxMembers / 2);
  });
});
