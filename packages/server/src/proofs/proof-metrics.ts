/** What is counted of proofs: amounts and times by lane, never a group. */
import { DURATION_BUCKETS_S, type Metrics } from '@conclave/platform';
import type { ProofJob } from './proof-job.ts';

export interface LaneMetrics {
  /** Read when the metrics are asked for. */
  readonly observe: (read: {
    readonly frames: () => number;
    readonly points: () => number;
    readonly workers: () => number;
  }) => void;
  readonly dispatched: (batch: readonly ProofJob[]) => void;
  readonly verified: (tookMs: number) => void;
  readonly died: () => void;
  readonly refused: (reason: 'group' | 'queue' | 'deadly') => void;
}

/** One for each lane. */
export function createProofMetrics(metrics: Metrics): (lane: string) => LaneMetrics {
  const readByLane = new Map<string, Parameters<LaneMetrics['observe']>[0]>();
  const samples = (of: 'frames' | 'points' | 'workers') =>
    [...readByLane].map(([lane, read]) => ({ labels: { lane }, value: read[of]() }));
  metrics.observeEach('proof_waiting_frames', 'Frames that wait for a worker.', ['lane'], () =>
    samples('frames'),
  );
  metrics.observeEach('proof_waiting_points', 'What the proofs that wait cost, in points.', ['lane'], () =>
    samples('points'),
  );
  metrics.observeEach('proof_workers', 'Workers that are running.', ['lane'], () => samples('workers'));
  const frames = metrics.histogram(
    'proof_batch_frames',
    'Frames whose proofs were verified together.',
    [1, 2, 4, 8, 16, 32, 64],
    ['lane'],
  );
  const wait = metrics.histogram(
    'proof_wait_seconds',
    'How long the oldest frame of a batch waited for a worker.',
    DURATION_BUCKETS_S,
    ['lane'],
  );
  const duration = metrics.histogram(
    'proof_verification_seconds',
    'From handing a batch to a worker to its verdicts.',
    DURATION_BUCKETS_S,
    ['lane'],
  );
  const deaths = metrics.counter('proof_worker_deaths_total', 'Workers that died and were replaced.', [
    'lane',
  ]);
  const refused = metrics.counter(
    'proof_refused_total',
    'Frames whose proofs were not verified: too much waits of the group or in the queue, or workers died over it.',
    ['lane', 'reason'],
  );
  return (lane) => ({
    observe: (read) => void readByLane.set(lane, read),
    dispatched(batch) {
      frames.observe({ lane }, batch.length);
      const oldestMs = batch.reduce((oldest, { putAtMs }) => Math.min(oldest, putAtMs), Infinity);
      wait.observe({ lane }, (performance.now() - oldestMs) / 1_000);
    },
    verified: (tookMs) => duration.observe({ lane }, tookMs / 1_000),
    died: () => deaths.inc({ lane }),
    refused: (reason) => refused.inc({ lane, reason }),
  });
}
