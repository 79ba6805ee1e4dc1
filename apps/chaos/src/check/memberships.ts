/**
 * Who was a member from which frame of the log to which. The log itself says so: commits name their committer and whom they
 * remove. Leaf indices are used again, so a member's own commit is looked for after the last removal of its index.
 *
 *     seq   12 remove leaf 3 … 15 commit by leaf 3 (its first) … 40 remove leaf 3
 *                              └────── member of leaf 3 ───────┘
 */
import type { HistoryEntry, LogFrame } from '../history/history.ts';

export interface Membership {
  readonly member: string;
  readonly group: string;
  readonly leaf: number;
  /** Of its own first commit, or of the creation. */
  readonly fromSeq: number;
  /** The epoch that this commit made: messages of earlier ones may be closed to it. */
  readonly fromEpoch: number;
  /** Of the commit that removed it. */
  readonly toSeq: number | undefined;
}

/** Undefined when the log does not show the commit by which it joined. */
export function findMembership(
  joined: Extract<HistoryEntry, { kind: 'joined' }>,
  frames: readonly LogFrame[],
): Membership | undefined {
  const { member, group, leaf, epoch } = joined;
  let from: { seq: number; madeEpoch: number } | undefined;
  let toSeq: number | undefined;
  for (const frame of frames) {
    const madeEpoch = frame.kind === 'create' ? 0 : frame.epoch + 1;
    if (frame.kind === 'create' && leaf === 0) from = { seq: frame.seq, madeEpoch };
    if (frame.kind !== 'commit') continue;
    if (from !== undefined && frame.removes?.includes(leaf)) {
      if (madeEpoch > epoch) {
        toSeq = frame.seq;
        break;
      }
      from = undefined;
    }
    if (from === undefined && frame.committer === leaf && madeEpoch <= epoch)
      from = { seq: frame.seq, madeEpoch };
  }
  return from && { member, group, leaf, fromSeq: from.seq, fromEpoch: from.madeEpoch, toSeq };
}
