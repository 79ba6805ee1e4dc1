import fc from 'fast-check';
import { expect, test } from 'vitest';
import { History, step } from './history.ts';

test('a short random history: members agree on every epoch, and who was removed can open nothing later', () => {
  const totals: History['counts'][] = [];
  fc.assert(
    fc.property(fc.array(step, { minLength: 14, maxLength: 14 }), (steps) => {
      const history = new History('short', { maxMembers: 4, sealingProof: false });
      for (const next of steps) {
        history.play(next);
        history.check();
      }
      totals.push(history.counts);
    }),
    { numRuns: 2, seed: 7, endOnFailure: true },
  );
  for (const { commits, sealedToMembers } of totals) {
    expect(commits).toBeGreaterThan(4);
    expect(sealedToMembers).toBeGreaterThan(0);
  }
  expect(Math.max(...totals.map(({ removed }) => removed))).toBeGreaterThan(0);
});
