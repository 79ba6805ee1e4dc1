/**
 * Who posted a commit whose proofs are false has made the server do its most expensive work for nothing; an honest client
 * never does. Such a leaf, owners included, waits before its next commit is looked at: a second, doubling up to a minute,
 * forgotten after ten quiet ones. Kept in memory and bounded: a refused frame leaves no trace in the database.
 */
import type { Clock } from '@conclave/platform';
import type { Instance } from '@conclave/sealed-group';

export interface FalseProofs {
  /** How long this leaf's commits are refused from now on; 0: not at all. */
  waitMs(groupId: string, leaf: Instance): number;
  note(groupId: string, leaf: Instance): void;
}

const firstWaitMs = 1_000;
const maxWaitMs = 64_000;
const forgetAfterMs = 600_000;

interface Offence {
  readonly untilMs: number;
  readonly waitMs: number;
}

export function createFalseProofs(deps: { readonly clock: Clock; readonly maxEntries: number }): FalseProofs {
  // A Map remembers the order of insertion: the first entry is the one that offended longest ago.
  const offences = new Map<string, Offence>();
  const keyOf = (groupId: string, { leaf, epoch }: Instance): string => `${groupId} ${leaf} ${epoch}`;

  return {
    waitMs(groupId, leaf) {
      const offence = offences.get(keyOf(groupId, leaf));
      return Math.max(0, (offence?.untilMs ?? 0) - deps.clock.nowMs());
    },
    note(groupId, leaf) {
      const key = keyOf(groupId, leaf);
      const nowMs = deps.clock.nowMs();
      const last = offences.get(key);
      const isRecent = last !== undefined && nowMs < last.untilMs + forgetAfterMs;
      const waitMs = isRecent ? Math.min(2 * last.waitMs, maxWaitMs) : firstWaitMs;
      offences.delete(key);
      offences.set(key, { untilMs: nowMs + waitMs, waitMs });
      for (const oldest of offences.keys()) {
        if (offences.size <= deps.maxEntries) break;
        offences.delete(oldest);
      }
    },
  };
}
