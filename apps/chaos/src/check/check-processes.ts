/** The server processes themselves: one that is asked to end does so in time and without an error, and none ends unasked. */
import type { Death, FaultRecord } from '../history/history.ts';
import type { Violation } from './violation.ts';

export function checkProcesses(
  faults: readonly FaultRecord[],
  deaths: readonly Death[],
  stopLimitMs: number,
): Violation[] {
  const unclean = faults.flatMap(({ name, stopped, endMs }): Violation[] => {
    // What an engine's exit code means is its own affair.
    if (stopped === undefined || stopped.exitCode === undefined) return [];
    const { exitCode, wasKilled, tookMs } = stopped;
    const took = `after ${(tookMs / 1000).toFixed(1)} s`;
    const detail = wasKilled
      ? `did not end and was killed ${took}`
      : exitCode !== 0
        ? `ended ${took} with ${exitCode ?? 'a signal'}`
        : tookMs > stopLimitMs
          ? `ended ${took}, not within ${(stopLimitMs / 1000).toFixed(1)} s`
          : undefined;
    return detail === undefined
      ? []
      : [{ kind: 'unclean-stop', group: '', detail: `"${name}": it ${detail}`, atMs: endMs }];
  });
  const died = deaths.map(({ server, atMs }): Violation => ({
    kind: 'died',
    group: '',
    detail: `${server} had ended by itself`,
    atMs,
  }));
  return [...unclean, ...died];
}
