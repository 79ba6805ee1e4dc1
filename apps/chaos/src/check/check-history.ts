/**
 * The checker: pure, from histories, logs and faults to what was violated. It knows nothing of servers and trusts none of the
 * three alone. A run that has nothing to check (nothing acknowledged, nothing heard, no log) throws: it must not pass.
 */
import type { Death, FaultRecord, HistoryEntry, ReadLog } from '../history/history.ts';
import { checkDelivery } from './check-delivery.ts';
import { checkLogs } from './check-log.ts';
import { checkProcesses } from './check-processes.ts';
import { checkProgress, measureRecoveries } from './check-progress.ts';
import type { Recovery } from './check-progress.ts';
import type { Violation } from './violation.ts';

export interface CheckInput {
  readonly entries: readonly HistoryEntry[];
  readonly logs: readonly ReadLog[];
  readonly faults: readonly FaultRecord[];
  readonly deaths: readonly Death[];
  /** How long a client may need after the end of a fault. */
  readonly recoveryLimitMs: number;
  /** How long a server process may take to end. */
  readonly stopLimitMs: number;
}

export interface CheckResult {
  readonly violations: readonly Violation[];
  readonly recoveries: readonly Recovery[];
  readonly acknowledged: number;
  readonly received: number;
  readonly removals: number;
  readonly attachments: number;
  /** The longest time for which a process of the run itself, a client or the director, stood still. */
  readonly longestStallMs: number;
}

export function checkHistory(input: CheckInput): CheckResult {
  const { entries, logs, faults, deaths, recoveryLimitMs, stopLimitMs } = input;
  const count = (kind: HistoryEntry['kind']): number => entries.filter((entry) => entry.kind === kind).length;
  const groups = [...new Set(entries.map(({ group }) => group))].filter((group) => group !== '');
  const violations = [...checkLogs(logs)];
  for (const group of groups) {
    const frames = logs.find((log) => log.group === group)?.frames;
    if (frames === undefined || frames.length === 0) throw new Error(`there is no log of group ${group}`);
    violations.push(
      ...checkDelivery({ group, frames, entries: entries.filter((entry) => entry.group === group) }),
    );
  }
  violations.push(
    ...checkProgress(entries, faults, recoveryLimitMs),
    ...checkAttachments(entries),
    ...checkProcesses(faults, deaths, stopLimitMs),
  );
  if (count('acknowledged') === 0 || count('received') === 0) throw new Error('the histories are empty');
  return {
    violations,
    recoveries: measureRecoveries(entries, faults, recoveryLimitMs),
    acknowledged: count('acknowledged'),
    received: count('received'),
    removals: count('removed'),
    longestStallMs: entries.reduce(
      (longest, entry) => (entry.kind === 'stalled' ? Math.max(longest, entry.stalledMs) : longest),
      0,
    ),
    attachments: entries.filter((entry) => entry.kind === 'downloaded' && entry.intact).length,
  };
}

/** Whoever tried to fetch an attachment got it in the end, as it was. Who was removed meanwhile cannot. */
function checkAttachments(entries: readonly HistoryEntry[]): Violation[] {
  const removed = new Set(
    entries.filter(({ kind }) => kind === 'removed').map(({ member, group }) => `${member}\n${group}`),
  );
  return entries.flatMap((entry): Violation[] => {
    const { group, member, atMs } = entry;
    if (entry.kind === 'downloaded' && !entry.intact)
      return [{ kind: 'attachment-lost', group, member, atMs, detail: `${entry.uid} came damaged` }];
    if (entry.kind === 'download-failed' && !removed.has(`${member}\n${group}`))
      return [{ kind: 'attachment-lost', group, member, atMs, detail: `${entry.uid}: ${entry.code}` }];
    return [];
  });
}
