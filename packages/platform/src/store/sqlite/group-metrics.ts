import { DURATION_BUCKETS_S, type Metrics } from '../../metrics/metrics.ts';
import type { CommittedGroup } from './group-commit.ts';

/** Registers the store's metrics; returns what is to be told of every group. */
export function observeGroups(metrics: Metrics, readQueued: () => number): (group: CommittedGroup) => void {
  metrics.observe('store_queued_units', 'Units of work waiting for their turn.', readQueued);
  const duration = metrics.histogram(
    'store_commit_duration_seconds',
    'Time from the beginning of a group commit to its end, durable or not.',
    DURATION_BUCKETS_S,
  );
  const units = metrics.counter('store_units_total', 'Units of work run, whatever their outcome.');
  const failures = metrics.counter('store_failed_commits_total', 'Group commits that failed as a whole.', [
    'code',
  ]);
  return (group) => {
    duration.observe(group.durationMs / 1000);
    units.inc(group.units);
    if (group.error !== undefined) failures.inc({ code: group.error.code });
  };
}
