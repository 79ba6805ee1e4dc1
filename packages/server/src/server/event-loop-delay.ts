/**
 * How long the event loop is held: a timer that should run every few milliseconds notes how late it runs, and the longest
 * delay of every second goes into a histogram. A second whose longest delay is above 10 ms is one in which something was
 * computed that belongs on a worker.
 *
 * A histogram of maxima rather than `monitorEventLoopDelay`'s percentiles: it adds up over time and processes as Prometheus
 * wants, and that monitor forgets the delay that is under way whenever it is reset.
 */
import type { Metrics } from '@conclave/platform';

/** Delays are seen to this precision. */
const tickMs = 5;
const ticksPerSecond = 1_000 / tickMs;

/** Dispose of it to end it. */
export function measureEventLoopDelay(metrics: Metrics): Disposable {
  const delays = metrics.histogram(
    'event_loop_delay_seconds',
    'The longest delay of the event loop in every second.',
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
  );
  let longestMs = 0;
  let ticks = 0;
  let lastMs = performance.now();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    longestMs = Math.max(longestMs, nowMs - lastMs - tickMs);
    lastMs = nowMs;
    if (++ticks < ticksPerSecond) return;
    delays.observe(longestMs / 1_000);
    longestMs = 0;
    ticks = 0;
  }, tickMs);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
