/**
 * After the end of each fault every member goes on within the time: one of its messages is acknowledged, and it hears one
 * that somebody else began to send after the end (in a group where somebody else was there to speak). Who came after the end is
 * asked the same from its coming.
 *
 *     fault ├────────────┤ end                                     limit
 *     member ──────────────── ack ──── heard (sent after the end) ───┤
 *                         └──── recovery of this member ──┘
 *     guest                   joining ── joined ── ack ── heard
 *                             └ a step ┘ └─ recovery ──┘            the step has the same time, and so has any other
 *
 * And at the end everything that was sent or asked has an answer. Time in which the machine itself stood still counts for nobody:
 * the histories of the processes show it (`stallClock`).
 */
import { director } from '../history/history.ts';
import type { FaultRecord, HistoryEntry } from '../history/history.ts';
import type { Violation } from './violation.ts';

export interface Recovery {
  readonly fault: string;
  readonly member: string;
  readonly group: string;
  /** From the end of the fault, or from joining; undefined if it never went on. */
  readonly recoveryMs: number | undefined;
  /** Of it, what the machine stood still. */
  readonly stalledMs: number;
}

/** How long the machine stood still between two moments. */
export type StallClock = (fromMs: number, toMs: number) => number;

/**
 * By the process of the run that it kept waiting the longest. Of a client's stall only that part counts in which it used no CPU
 * time: a client that computes is late by itself.
 */
export function stallClock(entries: readonly HistoryEntry[]): StallClock {
  const stallsByProcess = new Map<string, { fromMs: number; toMs: number; share: number }[]>();
  for (const entry of entries) {
    if (entry.kind !== 'stalled') continue;
    const { member, atMs, stalledMs, cpuMs } = entry;
    const share = member === director ? 1 : Math.max(0, 1 - cpuMs / stalledMs);
    const stalls = stallsByProcess.get(member) ?? [];
    stalls.push({ fromMs: atMs - stalledMs, toMs: atMs, share });
    stallsByProcess.set(member, stalls);
  }
  return (fromMs, toMs) => {
    const waited = [...stallsByProcess.values()].map((stalls) =>
      stalls.reduce((sum, stall) => {
        const overlapMs = Math.min(toMs, stall.toMs) - Math.max(fromMs, stall.fromMs);
        return sum + stall.share * Math.max(0, overlapMs);
      }, 0),
    );
    return Math.max(0, ...waited);
  };
}

export function measureRecoveries(
  entries: readonly HistoryEntry[],
  faults: readonly FaultRecord[],
  limitMs: number,
): Recovery[] {
  const stalledMs = stallClock(entries);
  return bySeat(entries).flatMap((own) =>
    faults.flatMap((fault, index): Recovery[] => {
      const joined = own.find(({ kind }) => kind === 'joined');
      if (joined === undefined) return [];
      const { member, group } = joined;
      const nextStartMs = faults[index + 1]?.startMs ?? Infinity;
      const sinceMs = Math.max(fault.endMs, joined.atMs);
      const wentOnMs = findGoingOn(own, sinceMs);
      const leftMs = own.find(({ kind }) => kind === 'stopped' || kind === 'removed')?.atMs ?? Infinity;
      // The next fault waits for everybody who was there, not for who came after: such a one is asked about that, if it came too late
      // to go on before.
      const overMs = joined.atMs > fault.endMs ? Math.min(leftMs, nextStartMs) : leftMs;
      // Who left before its time was up, and had not gone on, says nothing.
      if (overMs < sinceMs + limitMs && (wentOnMs === undefined || wentOnMs > overMs)) return [];
      const recoveryMs = wentOnMs === undefined ? undefined : wentOnMs - sinceMs;
      const measure = { recoveryMs, stalledMs: stalledMs(sinceMs, wentOnMs ?? overMs) };
      return [{ fault: fault.name, member, group, ...measure }];
    }),
  );
}

/** When it had been answered and had heard somebody else, both of after this moment. */
function findGoingOn(own: readonly HistoryEntry[], sinceMs: number): number | undefined {
  // A member that only listens shows whether hearing works without one's own messages to wake it.
  const speaks = own.some(({ kind }) => kind === 'sending');
  const acked = speaks
    ? own.find(({ kind, atMs }) => kind === 'acknowledged' && atMs >= sinceMs)?.atMs
    : sinceMs;
  const heard = own.find(
    (entry) =>
      entry.kind === 'received' &&
      entry.atMs >= sinceMs &&
      entry.sentAtMs >= sinceMs &&
      entry.by !== entry.member,
  )?.atMs;
  return acked === undefined || heard === undefined ? undefined : Math.max(acked, heard);
}

export function checkProgress(
  entries: readonly HistoryEntry[],
  faults: readonly FaultRecord[],
  limitMs: number,
): Violation[] {
  const violations: Violation[] = [];
  const endByFault = new Map(faults.map(({ name, endMs }) => [name, endMs]));
  for (const one of measureRecoveries(entries, faults, limitMs)) {
    const { fault, member, group, recoveryMs, stalledMs } = one;
    if (recoveryMs !== undefined && recoveryMs - stalledMs <= limitMs) continue;
    const detail =
      recoveryMs === undefined
        ? `never went on after "${fault}"`
        : `went on ${seconds(recoveryMs)} after "${fault}"${besides(stalledMs)}`;
    violations.push({ kind: 'stuck', group, member, detail, atMs: endByFault.get(fault)! });
  }
  return [...violations, ...checkSteps(entries, faults, limitMs), ...checkAnswers(entries)];
}

/** No step is under way for longer than the limit after a fault has ended, while no other goes on. */
function checkSteps(
  entries: readonly HistoryEntry[],
  faults: readonly FaultRecord[],
  limitMs: number,
): Violation[] {
  const stalledMs = stallClock(entries);
  const endByStep = new Map(
    entries.flatMap((entry) => (entry.kind === 'step-ended' ? [[entry.step, entry.atMs] as const] : [])),
  );
  const lastMs = entries.reduce((last, { atMs }) => Math.max(last, atMs), 0);
  return entries.flatMap((entry): Violation[] => {
    if (entry.kind !== 'step') return [];
    const { member, group, atMs, what } = entry;
    for (const [index, { name, endMs }] of faults.entries()) {
      const fromMs = Math.max(atMs, endMs);
      const untilMs = Math.min(endByStep.get(entry.step) ?? lastMs, faults[index + 1]?.startMs ?? Infinity);
      const still = stalledMs(fromMs, untilMs);
      if (untilMs - fromMs - still <= limitMs) continue;
      const detail = `${what} went on for ${seconds(untilMs - fromMs)} after "${name}"${besides(still)}`;
      return [{ kind: 'stuck', group, member, detail, atMs }];
    }
    return [];
  });
}

/** Whoever was not removed meanwhile has an answer to everything. */
function checkAnswers(entries: readonly HistoryEntry[]): Violation[] {
  const ended = new Set(entries.flatMap((entry) => (entry.kind === 'step-ended' ? [entry.step] : [])));
  return bySeat(entries).flatMap((own) => {
    if (own.some(({ kind }) => kind === 'removed')) return [];
    const answered = new Set(
      own.flatMap((entry) =>
        entry.kind === 'acknowledged' || entry.kind === 'refused' || entry.kind === 'unknown'
          ? [entry.uid]
          : [],
      ),
    );
    return own.flatMap((entry): Violation[] => {
      const { group, member, atMs } = entry;
      const unanswered = (what: string): Violation[] => [
        { kind: 'unanswered', group, member, detail: `${what} was never answered`, atMs },
      ];
      if (entry.kind === 'sending' && !answered.has(entry.uid)) return unanswered(entry.uid);
      if (entry.kind === 'step' && !ended.has(entry.step)) return unanswered(entry.step);
      return [];
    });
  });
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function besides(stalledMs: number): string {
  return stalledMs === 0 ? '' : `, in which the machine stood still for ${seconds(stalledMs)}`;
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
