/** What is counted of sealed groups: kinds and amounts, never a group or leaf. */
import type { Metrics } from '@conclave/platform';

export interface SealedGroupMetrics {
  readonly accepted: (kind: 'create' | 'frame') => void;
  /** `code` is that of the registry. */
  readonly refused: (kind: 'create' | 'frame', code: string) => void;
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
  return {
    accepted: (kind) => accepted.inc({ kind }),
    refused: (kind, code) => refused.inc({ kind, code }),
  };
}
