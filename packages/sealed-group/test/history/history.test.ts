import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Step } from './history.ts';
import { beginning, History, step } from './history.ts';

/** One of them goes. */
const end: Step = { kind: 'remove', a: 0, b: 1 };

test('a short random history: members agree on every epoch, and who was removed can open nothing later', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 10, maxLength: 10 }), (steps) => {
      const history = new History('short', { maxMembers: 4, sealingProof: false });
      for (const next of [...beginning, ...steps, end]) {
        history.play(next);
        history.check();
      }
      expect(history.counts.commits).toBeGreaterThan(4);
      expect(history.counts.sealedToMembers).toBeGreaterThan(0);
    }),
    { numRuns: 1, seed: 7, endOnFailure: true },
  );
});
