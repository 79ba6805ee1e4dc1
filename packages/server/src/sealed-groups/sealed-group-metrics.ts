/** What is counted of sealed groups: kinds and amounts, never a group or leaf. */
import type { Metrics } from '@conclave/platform';

export interface SealedGroupMetrics {
  readonly accepted: (kind: 'create' | 'frame') => void;
  /** Frames whose claims were verified in one multi-scalar multiplication. */
  readonly verifiedTogether: (frames: number) => void;
}

export function createSealedGroupMetrics(metrics: Metrics): SealedGroupMetrics {
  const accepted = metrics.counter(
    'sealed_frames_accepted_total',
    'Frames that were accepted and are durable.',
    ['kind'],
  );
  const together = metrics.histogram(
    'sealed_verification_batch_frames',
    'Frames whose claims were verified together.',
    [1, 2, 4, 8, 16, 32, 64],
  );
  return {
    accepted: (kind) => accepted.inc({ kind }),
    verifiedTogether: (frames) => together.observe(frames),
  };
}
