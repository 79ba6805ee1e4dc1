import type { Clock } from './deps.ts';

/** Short enough that a step is few of many, long enough that timers cost nothing. */
const STEP_MS = 20;

/**
 * Does `act` to each of `items`, evenly over `overMs`, at most {@link STEP_MS} early or late. Resolves when all are done,
 * never before `overMs` has passed. `act` must not throw.
 */
export async function spreadOver<T>(
  clock: Clock,
  overMs: number,
  items: readonly T[],
  act: (item: T) => void,
): Promise<void> {
  const steps = Math.max(1, Math.floor(overMs / STEP_MS));
  let done = 0;
  for (let step = 1; step <= steps; step++) {
    const until = Math.ceil((items.length * step) / steps);
    for (const item of items.slice(done, until)) act(item);
    done = until;
    const { promise, resolve } = Promise.withResolvers<void>();
    clock.schedule(overMs / steps, resolve);
    await promise;
  }
}
