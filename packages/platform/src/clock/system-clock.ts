import type { Clock } from './clock.ts';

/** The longest delay that `setTimeout` takes; longer ones would fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** The machine's clock. The only place of the packages that reads it. */
export const systemClock: Clock = {
  nowMs() {
    // oxlint-disable-next-line no-restricted-properties -- this is where ambient time becomes a parameter
    return Date.now();
  },
  monotonicMs() {
    // oxlint-disable-next-line no-restricted-properties -- as above
    return performance.now();
  },
  schedule(delayMs, task) {
    const timer = setTimeout(task, Math.min(Math.max(0, delayMs), MAX_DELAY_MS));
    timer.unref();
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};
