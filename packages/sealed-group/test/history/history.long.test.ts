import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { beginning, History, step } from './history.ts';

describe('long random histories', () => {
  test.each([
    { maxMembers: 6, steps: 80, sealingProof: true },
    { maxMembers: 10, steps: 80, sealingProof: false },
    { maxMembers: 14, steps: 60, sealingProof: false },
  ])('of up to $maxMembers members over $steps steps', ({ maxMembers, steps, sealingProof }) => {
    const totals: History['counts'][] = [];
    fc.assert(
      fc.property(fc.array(step, { minLength: steps, maxLength: steps }), (played) => {
        const history = new History('long', { maxMembers, sealingProof });
        for (const next of [...beginning, ...played]) {
          history.play(next);
          history.check();
        }
        totals.push(history.counts);
      }),
      // Several, so that chance leaves out nothing in all of them.
      { numRuns: 6, endOnFailure: true },
    );
    for (const { commits, sealedToMembers } of totals) {
      expect(commits).toBeGreaterThan(steps / 6);
      expect(sealedToMembers).toBeGreaterThan(0);
    }
    expect(Math.max(...totals.map(({ removed }) => removed))).toBeGreaterThan(0);
    expect(Math.max(...totals.map(({ peak }) => peak))).toBeGreaterThan(3);
  });
});
