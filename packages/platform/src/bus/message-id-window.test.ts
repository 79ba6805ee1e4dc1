import { describe, expect, it } from 'vitest';
import { createManualClock } from '../testing.ts';
import { MessageIdWindow } from './message-id-window.ts';

describe('the window of message ids', () => {
  it('knows an id for its time and no longer, whatever comes and goes meanwhile', async () => {
    const clock = createManualClock();
    const window = new MessageIdWindow({ clock, windowMs: 100, maxIds: 1_000 });
    for (let turn = 0; turn < 50; turn++) {
      window.add(`id ${turn}`);
      for (let age = 0; age <= 10 && age <= turn; age++) expect(window.has(`id ${turn - age}`)).toBe(true);
      expect(window.has(`id ${turn - 11}`)).toBe(false);
      await clock.advance(10);
    }
  });

  it('knows at least half of as many as it may, the latest ones, and never more', () => {
    const window = new MessageIdWindow({ clock: createManualClock(), windowMs: 100, maxIds: 10 });
    for (let count = 1; count <= 40; count++) {
      window.add(`id ${count}`);
      const known = Array.from({ length: count }, (_, index) => window.has(`id ${index + 1}`));
      expect(known.slice(-5).every(Boolean)).toBe(true);
      expect(known.filter(Boolean).length).toBeLessThanOrEqual(10);
    }
  });
});
