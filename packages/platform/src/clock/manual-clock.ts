import type { Clock } from './clock.ts';

/** A clock that stands still until a test moves it. */
export interface ManualClock extends Clock {
  /**
   * Moves time forward, running each task that falls due at its own time, in order of time, ties in order of
   * scheduling. Between tasks the event loop turns once, so that what a task started can schedule further tasks.
   */
  advance(byMs: number): Promise<void>;
  /** How many tasks are waiting. */
  readonly pending: number;
}

interface Task {
  readonly atMs: number;
  readonly run: () => void;
}

/** @param startMs the first reading; defaults to a fixed, unremarkable instant. */
export function createManualClock(startMs = 1_800_000_000_000): ManualClock {
  let nowMs = startMs;
  const tasks = new Set<Task>();

  /** The earliest task due by `byMs`. A `Set` iterates in order of insertion, which settles ties. */
  const nextDue = (byMs: number): Task | undefined => {
    let earliest: Task | undefined;
    for (const task of tasks) {
      if (task.atMs <= byMs && (earliest === undefined || task.atMs < earliest.atMs)) earliest = task;
    }
    return earliest;
  };

  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs - startMs,
    schedule(delayMs, run) {
      const task = { atMs: nowMs + Math.max(0, delayMs), run };
      tasks.add(task);
      return { [Symbol.dispose]: () => void tasks.delete(task) };
    },
    async advance(byMs) {
      const untilMs = nowMs + byMs;
      await eventLoopTurn();
      for (let task = nextDue(untilMs); task !== undefined; task = nextDue(untilMs)) {
        tasks.delete(task);
        nowMs = Math.max(nowMs, task.atMs);
        task.run();
        await eventLoopTurn();
      }
      nowMs = untilMs;
      await eventLoopTurn();
    },
    get pending() {
      return tasks.size;
    },
  };
}

function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
