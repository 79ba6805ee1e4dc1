/**
 * Where a cheater's digits are searched for (docs/sealed-groups.md §4.4): in a worker that is started for this one search and ended
 * after it (`../proof-worker/worker-search.ts`), or, where no worker can be had, on this thread in slices. Either way other groups, reading and writing go on;
 * the answer is checked by the state machine.
 */
import { searchDigits, type SlowSearch, type Suite } from '@conclave/sealed-group';
import { throwIfAborted } from '../errors/conclave-error.ts';
import { sleep, type Clock } from '../time/clock.ts';

/** On this thread, some ten milliseconds at a time. */
export function createSlicedSearch({
  suite,
  clock,
}: {
  readonly suite: Suite;
  readonly clock: Clock;
}): SlowSearch {
  return async (search, signal) => {
    const steps = searchDigits(suite, search);
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) await sleep(clock, 0, signal);
    throwIfAborted(signal);
    return step.value;
  };
}

/** `preferred`, and `other` where that fails: a page's policy may forbid workers, or memory be short. */
export function createSearchWithFallback(preferred: SlowSearch, other: SlowSearch): SlowSearch {
  return async (search, signal) => {
    try {
      return await preferred(search, signal);
    } catch {
      // Whatever was wrong with the worker, the search can still be made; if it is not wanted any more, this says so.
      throwIfAborted(signal);
      return await other(search, signal);
    }
  };
}
