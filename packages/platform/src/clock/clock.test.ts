import { describe, expect, test } from 'vitest';
import { createManualClock } from './manual-clock.ts';
import { systemClock } from './system-clock.ts';

describe('a manual clock', () => {
  test('runs tasks when they are due, in order of time and then of scheduling', async () => {
    const clock = createManualClock(0);
    const runs: string[] = [];
    const at = (delayMs: number, name: string) =>
      clock.schedule(delayMs, () => void runs.push(`${name}@${clock.nowMs()}`));
    at(20, 'c');
    at(10, 'a');
    at(10, 'b');
    at(31, 'never');
    await clock.advance(30);
    expect(runs).toEqual(['a@10', 'b@10', 'c@20']);
    expect(clock.nowMs()).toBe(30);
    expect(clock.pending).toBe(1);
  });

  test('runs what tasks schedule, within the same advance', async () => {
    const clock = createManualClock(0);
    const runsMs: number[] = [];
    const again = () => {
      runsMs.push(clock.nowMs());
      clock.schedule(10, again);
    };
    clock.schedule(10, again);
    await clock.advance(35);
    expect(runsMs).toEqual([10, 20, 30]);
  });

  test('does not run what was disposed', async () => {
    const clock = createManualClock(0);
    let ran = false;
    clock.schedule(10, () => (ran = true))[Symbol.dispose]();
    await clock.advance(20);
    expect(ran).toBe(false);
  });
});

describe('the system clock', () => {
  test('runs a task, and not one that was disposed', async () => {
    const disposed = systemClock.schedule(0, () => {
      throw new Error('disposed');
    });
    disposed[Symbol.dispose]();
    const ran = Promise.withResolvers<string>();
    systemClock.schedule(1, () => ran.resolve('ran'));
    expect(await ran.promise).toBe('ran');
  });

  test('waits at least as long as a timer can when asked for longer', async () => {
    let ran = false;
    // Passed on as it is, such a delay would be taken for one millisecond.
    using _late = systemClock.schedule(2 ** 31, () => (ran = true));
    const soon = Promise.withResolvers<void>();
    systemClock.schedule(10, soon.resolve);
    await soon.promise;
    expect(ran).toBe(false);
  });
});
