/** Epochs and clocks: whether a frame comes at its time (§5, §6). Callers have verified eligibility before they answer. */
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import type { CommitFrame, MessageFrame, ParsedFrame } from '../wire/index.ts';
import type { GroupHead } from './public-group.ts';

/** How far a frame's `now` may be from the server's. */
export const maxClockSkewMs = 5 * 60 * 1000;
/** How long after a commit the server accepts messages of the epoch before. */
export const graceMs = 60 * 1000;

/** A commit is made in the current epoch, and its time does not go back. */
export function checkCommitEpoch(group: GroupHead, frame: CommitFrame): Result<void> {
  if (frame.header.epoch !== group.epoch) return violation('commit/epoch', `the epoch is ${group.epoch}`);
  if (frame.header.nowMs < group.lastNowMs) return violation('commit/monotone');
  return accept(undefined);
}

/**
 * A message is of the current epoch, or of the one before if the commit between them removed, demoted and switched
 * nothing. `sinceCommitMs` is the time since that commit by the server's clock; clients, who see only the order in which
 * frames were logged, leave it out.
 */
export function checkMessageEpoch(
  group: GroupHead,
  frame: MessageFrame,
  sinceCommitMs?: number,
): Result<'current' | 'previous'> {
  const { epoch } = frame.header;
  if (epoch === group.epoch) return accept('current');
  const inGrace = epoch === group.epoch - 1 && group.previousEpochGrace;
  if (inGrace && (sinceCommitMs === undefined || sinceCommitMs <= graceMs)) return accept('previous');
  return violation('commit/epoch', `the epoch is ${group.epoch}`);
}

/** The server's check of any frame's `now`. */
export function checkClock(frame: ParsedFrame, serverNowMs: number): Result<void> {
  return Math.abs(frame.header.nowMs - serverNowMs) <= maxClockSkewMs
    ? accept(undefined)
    : violation('commit/clock', `the server's time is ${serverNowMs}`);
}
