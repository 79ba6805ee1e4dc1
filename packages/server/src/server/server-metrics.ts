/** What the server counts. Labels are route patterns, methods, statuses and names of jobs: no ids, no addresses. */
import { DURATION_BUCKETS_S, type Metrics } from '@conclave/platform';
import type { MeasuredRequest } from '../http/create-http.ts';
import type { JobOutcome } from '../jobs/supervised-jobs.ts';

export interface ServerMetrics {
  readonly measureRequest: (request: MeasuredRequest) => void;
  readonly countJob: (outcome: JobOutcome) => void;
  readonly measureGroupCommit: (group: { units: number; durationMs: number; error: unknown }) => void;
}

const unitBuckets = [1, 2, 4, 8, 16, 32, 64, 128];

export function createServerMetrics(metrics: Metrics): ServerMetrics {
  const requests = metrics.histogram(
    'http_request_duration_seconds',
    'Time from the arrival of a request to the end of its answer.',
    DURATION_BUCKETS_S,
    ['method', 'route', 'status'],
  );
  const jobs = metrics.counter('jobs_total', 'Runs of background jobs.', ['job', 'outcome']);
  const jobItems = metrics.counter('job_items_total', 'Things that background jobs dealt with.', ['job']);
  const groupUnits = metrics.histogram(
    'store_group_units',
    'Units of work that were committed together.',
    unitBuckets,
  );
  const groupDuration = metrics.histogram(
    'store_group_duration_seconds',
    'Time of one group commit, sync to disk included.',
    DURATION_BUCKETS_S,
    ['outcome'],
  );
  return {
    measureRequest({ method, route, status, durationMs }) {
      requests.observe({ method, route, status: String(status) }, durationMs / 1_000);
    },
    countJob({ job, ok, count }) {
      jobs.inc({ job, outcome: ok ? 'ok' : 'failed' });
      jobItems.inc({ job }, count);
    },
    measureGroupCommit({ units, durationMs, error }) {
      groupUnits.observe(units);
      groupDuration.observe({ outcome: error === undefined ? 'ok' : 'failed' }, durationMs / 1_000);
    },
  };
}
