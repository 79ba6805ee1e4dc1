/**
 * After the end of each fault every member goes on within the time: one of its messages is acknowledged, and it hears one
 * that somebody else began to send after the end (in a group where somebody else was there to speak). And at the end
 * everything that was sent has an answer.
 *
 *     fault ├────────────┤ end                                     limit
 *     member ──────────────── ack ──── heard (sent after the end) ───┤
 *                         └──── recovery of this member ──┘
 */
import type { FaultRecord, HistoryEntry } from '../history/history.ts';
import type { Violation } from './violation.ts';

export interface Recovery {
  readonly fault: string;
  readonly member: string;
  readonly group: string;
  /** From the end of the fault; undefined if it never went on. */
  readonly recoveryMs: number | undefined;
}

export function measureRecoveries(
  entries: readonly HistoryEntry[],
  faults: readonly FaultRecord[],
  limitMs: number,
): Recovery[] {
  const recoveries: Recovery[] = [];
  for (const own of bySeat(entries)) {
    const first = own.find(({ kind }) => kind === 'joined');
    if (first === undefined) continue;
    const speaks = own.some(({ kind }) => kind === 'sending');
    const over = own.find(({ kind }) => kind === 'stopped' || kind === 'removed')?.atMs ?? Infinity;
    for (const { name, endMs } of faults) {
      // A member that only listens shows whether hearing works without one's own messages to wake it.
      const acked = speaks
        ? own.find(({ kind, atMs }) => kind === 'acknowledged' && atMs >= endMs)?.atMs
        : endMs;
      const heard = own.find(
        (entry) =>
          entry.kind === 'received' &&
          entry.atMs >= endMs &&
          entry.sentAtMs >= endMs &&
          entry.by !== entry.member,
      )?.atMs;
      const recoveredMs =
        acked === undefined || heard === undefined ? undefined : Math.max(acked, heard) - endMs;
      // Who came later, or left before its time was up, says nothing.
      if (first.atMs > endMs) continue;
      if (over < endMs + limitMs && (recoveredMs === undefined || endMs + recoveredMs > over)) continue;
      recoveries.push({ fault: name, member: first.member, group: first.group, recoveryMs: recoveredMs });
    }
  }
  return recoveries;
}

export function checkProgress(
  entries: readonly HistoryEntry[],
  faults: readonly FaultRecord[],
  limitMs: number,
): Violation[] {
  const violations: Violation[] = [];
  const endByFault = new Map(faults.map(({ name, endMs }) => [name, endMs]));
  for (const { fault, member, group, recoveryMs } of measureRecoveries(entries, faults, limitMs)) {
    if (recoveryMs !== undefined && recoveryMs <= limitMs) continue;
    const detail =
      recoveryMs === undefined
        ? `never went on after "${fault}"`
        : `went on ${(recoveryMs / 1000).toFixed(1)} s after the end of "${fault}"`;
    violations.push({ kind: 'stuck', group, member, detail, atMs: endByFault.get(fault)! });
  }
  for (const own of bySeat(entries)) {
    if (own.some(({ kind }) => kind === 'removed')) continue;
    const answered = new Set(
      own.flatMap((entry) =>
        entry.kind === 'acknowledged' || entry.kind === 'refused' || entry.kind === 'unknown'
          ? [entry.uid]
          : [],
      ),
    );
    for (const entry of own) {
      if (entry.kind !== 'sending' || answered.has(entry.uid)) continue;
      const { group, member, atMs, uid } = entry;
      violations.push({ kind: 'stuck', group, member, detail: `${uid} was never answered`, atMs });
    }
  }
  return violations;
}

/** By member and group: what one client did in one conversation. */
function bySeat(entries: readonly HistoryEntry[]): HistoryEntry[][] {
  const seats = new Map<string, HistoryEntry[]>();
  for (const entry of entries) {
    const key = `${entry.member}\n${entry.group}`;
    const own = seats.get(key) ?? [];
    own.push(entry);
    seats.set(key, own);
  }
  return [...seats.values()];
}
