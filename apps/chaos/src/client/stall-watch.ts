/**
 * Notices when this process itself stood still: a client that computes, or that the machine gave no time, is late for reasons that
 * are not the server's. The CPU time in between tells the two apart.
 */
export interface Stall {
  readonly stalledMs: number;
  /** Of this process with all its threads, in the meantime. */
  readonly cpuMs: number;
}

const everyMs = 250;
const worthTellingMs = 1_500;

export function watchForStalls(tell: (stall: Stall) => void): void {
  let lastMs = performance.now();
  let lastCpu = process.cpuUsage();
  setInterval(() => {
    const nowMs = performance.now();
    const cpu = process.cpuUsage(lastCpu);
    const stalledMs = nowMs - lastMs - everyMs;
    if (stalledMs > worthTellingMs) tell({ stalledMs, cpuMs: (cpu.user + cpu.system) / 1_000 });
    lastMs = nowMs;
    lastCpu = process.cpuUsage();
  }, everyMs).unref();
}
