/** What is counted of sealed groups: kinds and amounts, never a group or leaf. */
import { DURATION_BUCKETS_S, type Metrics } from '@conclave/platform';

export interface SealedGroupMetrics {
  readonly accepted: (kind: 'create' | 'frame', tookMs: number) => void;
  /** `code` is that of the registry. */
  readonly refused: (kind: 'create' | 'frame', code: string) => void;
  /** `code` is that of the blob store's error. */
  readonly downloadBroken: (code: string) => void;
}

export function createSealedGroupMetrics(metrics: Metrics): SealedGroupMetrics {
  const accepted = metrics.counter(
    'sealed_frames_accepted_total',
    'Frames that were accepted and are durable.',
    ['kind'],
  );
  const refused = metrics.counter(
    'sealed_frames_refused_total',
    'Frames that were refused and left nothing.',
    ['kind', 'code'],
  );
  const duration = metrics.histogram(
    'sealed_acceptance_duration_seconds',
    'From the arrival of a whole frame until it was accepted and durable.',
    DURATION_BUCKETS_S,
    ['kind'],
  );
  const downloadsBroken = metrics.counter(
    'blob_downloads_broken_total',
    'Downloads of attachments that were broken off, since the store gave something else than was put, or nothing more.',
    ['code'],
  );
  return {
    accepted(kind, tookMs) {
      accepted.inc({ kind });
      duration.observe({ kind }, tookMs / 1_000);
    },
    refused: (kind, code) => refused.inc({ kind, code }),
    downloadBroken: (code) => downloadsBroken.inc({ code }),
  };
}
