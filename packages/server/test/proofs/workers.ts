/** A pool for a test, and a hold on its threads from outside: the process tells of every worker that it starts. */
import type { Worker } from 'node:worker_threads';
import { createLog, createMetrics, systemClock } from '@conclave/platform';
import { onTestFinished } from 'vitest';
import { createProofPool } from '../../src/proofs/proof-pool.ts';
import type {
  ProofPool,
  ProofPoolDeps,
  ProofPoolSettings,
  WorkerLimits,
} from '../../src/proofs/proof-pool.ts';

const wide: ProofPoolSettings = {
  workers: 1,
  maxWaiting: 1e6,
  maxWaitingPerGroup: 1e6,
  maxWaitingPoints: 1e9,
  maxWaitingPointsPerGroup: 1e9,
};

export interface PoolUnderTest {
  readonly pool: ProofPool;
  /** The value of a metric, by its name and labels as they are exposed. */
  readonly metric: (name: string) => Promise<number>;
  /** Lines of the log. */
  readonly logged: string[];
}

export function startPool(
  settings: Partial<ProofPoolSettings> = {},
  limits?: WorkerLimits,
  deps: Partial<ProofPoolDeps> = {},
): PoolUnderTest {
  const metrics = createMetrics({ prefix: '' });
  const logged: string[] = [];
  const log = createLog({ level: 'debug', destination: { write: (line) => void logged.push(line) } });
  const pool = createProofPool(
    { clock: systemClock, log, metrics, ...deps },
    { ...wide, ...settings },
    limits,
  );
  onTestFinished(() => pool.close());
  return {
    pool,
    logged,
    async metric(name) {
      const lines = (await metrics.exposition()).split('\n');
      return Number(lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1) ?? 'NaN');
    },
  };
}

/** The threads of this process that start from now on until the end of the test. */
export function watchWorkers(onWorker: (worker: Worker) => void = () => {}): Worker[] {
  const workers: Worker[] = [];
  const note = (worker: Worker): void => {
    workers.push(worker);
    onWorker(worker);
  };
  process.on('worker', note);
  onTestFinished(() => void process.off('worker', note));
  return workers;
}
