/**
 * Time that a test moves, so that expiries and intervals need no waiting.
 */
import type { Clock } from '../src/index.ts';

export interface ManualClock extends Clock {
  advance(byMs: number): void;
}

export function createManualClock(startMs = Date.now()): ManualClock {
  let now = startMs;
  let tasks: { readonly atMs: number; readonly task: () => void }[] = [];
  return {
    nowMs: () => now,
    schedule(delayMs, task) {
      const entry = { atMs: now + delayMs, task };
      tasks.push(entry);
      return { [Symbol.dispose]: () => void (tasks = tasks.filter((other) => other !== entry)) };
    },
    advance(byMs) {
      const end = now + byMs;
      for (;;) {
        const due = tasks.filter(({ atMs }) => atMs <= end).sort((a, b) => a.atMs - b.atMs)[0];
        if (!due) break;
        tasks = tasks.filter((other) => other !== due);
        now = due.atMs;
        due.task();
      }
      now = end;
    },
  };
}
