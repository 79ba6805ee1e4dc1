/**
 * One target in one thread. Instrumentation comes before anything of the packages is imported; that is why the target's module
 * is named and not handed over.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Coverage } from './coverage.ts';
import { openFlightRecorder } from './flight-recorder.ts';
import type { LoopReport } from './fuzz-loop.ts';
import { fuzzLoop } from './fuzz-loop.ts';
import { registerInstrumentation } from './load-hook.ts';
import { Operands } from './operands.ts';
import type { FuzzTarget } from './target.ts';

export interface WorkerOrder {
  /** URL of a module that exports `target`. */
  readonly module: string;
  readonly seed: number;
  /** Executions; without it those of the target, unless there are seconds. */
  readonly runs: number | undefined;
  readonly seconds: number | undefined;
  /** Inputs of earlier runs, beside the target's own seeds. */
  readonly corpus: readonly Uint8Array[];
  /** Run these and nothing else. */
  readonly replay: readonly Uint8Array[] | undefined;
  readonly recorder: SharedArrayBuffer;
}

export type WorkerReport = LoopReport & { readonly elapsedMs: number };

/** Whose branches are counted: our packages, the protobuf runtime that they decode with, and the decoders of our tests. */
function isCounted(url: string): boolean {
  if (url.includes('/gen/') || /\/packages\/[^/]+\/(test|node_modules)\//.test(url)) return false;
  return (
    url.includes('/packages/') || url.includes('/@bufbuild/protobuf/') || url.includes('/fuzz/test/planted/')
  );
}

async function main(order: WorkerOrder): Promise<WorkerReport> {
  const coverage = new Coverage();
  const operands = new Operands();
  coverage.install();
  operands.install();
  const instrumentation = registerInstrumentation(isCounted);
  const { target } = (await import(order.module)) as { target: FuzzTarget };
  const prepared = await target.prepare();
  const recorder = openFlightRecorder(order.recorder);
  const startMs = performance.now();
  const elapsedMs = () => performance.now() - startMs;
  const seconds = order.seconds ?? Number.POSITIVE_INFINITY;
  const report = await fuzzLoop({
    target,
    subject: { ...prepared, seeds: order.replay ?? [...prepared.seeds, ...order.corpus] },
    coverage,
    operands,
    counters: () => instrumentation.counters,
    literals: instrumentation.literals,
    seed: order.seed,
    maxRuns: order.replay
      ? 0
      : (order.runs ?? (order.seconds === undefined ? target.runs : Number.POSITIVE_INFINITY)),
    isOver: () => elapsedMs() > seconds * 1_000,
    onInput: (bytes) => recorder.write(bytes),
  });
  return { ...report, elapsedMs: elapsedMs() };
}

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port has no origin
parentPort?.postMessage(await main(workerData as WorkerOrder));
