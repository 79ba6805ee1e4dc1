/** Runs one target in a thread of its own and watches it: a decoder that never returns, or eats the memory, is a finding too. */
import { Worker } from 'node:worker_threads';
import { createFlightRecorder } from './flight-recorder.ts';
import type { Finding } from './fuzz-loop.ts';
import type { WorkerOrder, WorkerReport } from './worker.ts';

export interface RunOptions extends Omit<WorkerOrder, 'recorder'> {
  /** One input may take so long before it counts as one that never ends. */
  readonly hangMs?: number;
}

/** What the watcher knows when the thread did not live to tell. */
export type RunReport = WorkerReport | { readonly finding: Finding; readonly executions: number };

const maxRecordedBytes = 4 * 2 ** 20;
const heapMb = 1_024;
const lookMs = 250;

/** Rejects when the target cannot be prepared: that is a fault of the fuzzer, not a finding. */
export async function runTarget({ hangMs = 20_000, ...order }: RunOptions): Promise<RunReport> {
  const recorder = createFlightRecorder(maxRecordedBytes);
  const worker = new Worker(new URL('worker.ts', import.meta.url), {
    workerData: { ...order, recorder: recorder.buffer } satisfies WorkerOrder,
    resourceLimits: { maxOldGenerationSizeMb: heapMb },
  });
  const { promise, resolve, reject } = Promise.withResolvers<RunReport>();
  const die = (kind: Finding['kind'], message: string): void => {
    const { begun, bytes } = recorder.read();
    resolve({ finding: { kind, message, bytes }, executions: begun });
  };
  worker.once('message', resolve);
  worker.once('error', (error: Error & { code?: string }) => {
    if (error.code === 'ERR_WORKER_OUT_OF_MEMORY' && recorder.read().begun > 0)
      die('memory', `takes more than ${heapMb} MiB of heap`);
    else reject(error);
  });
  worker.once('exit', (code) => reject(new Error(`the thread ended with ${code} and said nothing`)));

  let seen = { begun: 0, sinceMs: performance.now() };
  const watch = setInterval(() => {
    const { begun } = recorder.read();
    if (begun !== seen.begun) seen = { begun, sinceMs: performance.now() };
    else if (begun > 0 && performance.now() - seen.sinceMs > hangMs)
      die('hang', `does not return within ${hangMs} ms`);
  }, lookMs);
  try {
    return await promise;
  } finally {
    clearInterval(watch);
    await worker.terminate();
  }
}
