/** What the server counts. Labels are route patterns, methods, statuses and names of jobs: no ids, no addresses. */
import { DURATION_BUCKETS_S, type Metrics } from '@conclave/platform';
import type { MeasuredRequest } from '../http/create-http.ts';
import type { JobOutcome } from '../jobs/supervised-jobs.ts';

export interface ServerMetrics {
  readonly measureRequest: (request: MeasuredRequest) => void;
  readonly countJob: (outcome: JobOutcome) => void;
}

export function createServerMetrics(metrics: Metrics): ServerMetrics {
  const requests = metrics.histogram(
    'http_request_duration_seconds',
    'Time from the arrival of a request to the end of its answer.',
    DURATION_BUCKETS_S,
    ['method', 'route', 'status'],
  );
  const jobs = metrics.counter('jobs_total', 'Runs of background jobs.', ['task', 'outcome']);
  const jobItems = metrics.counter('job_items_total', 'Things that background jobs dealt with.', ['task']);
  return {
    measureRequest({ method, route, status, durationMs }) {
      requests.observe({ method, route, status: String(status) }, durationMs / 1_000);
    },
    countJob({ job, ok, count }) {
      // Prometheus calls what it scrapes a job, and would rename ours.
      jobs.inc({ task: job, outcome: ok ? 'ok' : 'failed' });
      jobItems.inc({ task: job }, count);
    },
  };
}
