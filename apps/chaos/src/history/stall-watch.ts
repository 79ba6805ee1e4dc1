/**
 * Notices when this process itself stood still: a process that computes, or that the machine gave no time, is late for reasons that
 * are not the server's. The CPU time in between tells the two apart.
 */
import type { HistoryFile } from './history-file.ts';
import { machineMs } from './history.ts';

const everyMs = 100;
/** Below it there is nothing that clients would feel. */
const worthTellingMs = 200;

/** Writes each stall into the history under the name of the process, until it is disposed of. */
export function watchForStalls(processName: string, history: HistoryFile): Disposable {
  let lastMs = performance.now();
  let lastCpu = process.cpuUsage();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    const stalledMs = nowMs - lastMs - everyMs;
    if (stalledMs > worthTellingMs) {
      const { user, system } = process.cpuUsage(lastCpu);
      history.append({
        kind: 'stalled',
        atMs: machineMs(),
        member: processName,
        group: '',
        stalledMs: Math.round(stalledMs),
        cpuMs: Math.round((user + system) / 1_000),
      });
    }
    lastMs = nowMs;
    lastCpu = process.cpuUsage();
  }, everyMs);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
