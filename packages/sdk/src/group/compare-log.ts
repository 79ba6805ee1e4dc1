/**
 * The anchor: frames that were processed before are asked for again and must be the same (docs/sealed-groups.md §5.11). A page
 * that differs says how; numbers are dense, so a hole is something withheld.
 */
import { hashFrame, parseFrame } from '@conclave/sealed-group';
import { equalBytes } from '../encoding/bytes.ts';
import type { FramePage } from '../http/sealed-api.ts';
import type { ServerEvidence } from './group-types.ts';
import type { WitnessedFrame } from './log-witness.ts';

export interface Difference {
  readonly evidence: ServerEvidence;
  /** The first frame that is not what it was, or is not there. */
  readonly seq: number;
}

export interface Comparison {
  /** Ascending; empty when nothing is to be compared but the end of the log. */
  readonly processed: readonly WitnessedFrame[];
  /** The page holds what comes after this number. */
  readonly after: number;
  /** The last processed frame, before the page was asked for. */
  readonly lastSeq: number;
}

export function compareLog(
  page: FramePage,
  { processed, after, lastSeq }: Comparison,
): Difference | undefined {
  if (page.lastSeq < lastSeq) return { evidence: 'rolled-back', seq: page.lastSeq + 1 };
  const [first] = page.frames;
  if (first === undefined) return page.lastSeq > after ? { evidence: 'withheld', seq: after + 1 } : undefined;
  const frameBySeq = new Map(page.frames.map(({ seq, frame }) => [seq, frame]));
  for (const known of processed) {
    const shown = frameBySeq.get(known.seq);
    if (shown !== undefined && !isSame(known, shown)) return { evidence: 'rewritten', seq: known.seq };
  }
  // Logs may lose their oldest frames, never one between two others.
  for (let at = 1; at < page.frames.length; at++) {
    const expected = page.frames[at - 1]!.seq + 1;
    if (page.frames[at]!.seq > expected) return { evidence: 'withheld', seq: expected };
  }
  return undefined;
}

function isSame({ frameHash, bodyHash }: WitnessedFrame, octets: Uint8Array): boolean {
  if (frameHash !== undefined) return equalBytes(frameHash, hashFrame(octets));
  const parsed = parseFrame(octets);
  return parsed.ok && equalBytes(parsed.value.bodyHash, bodyHash);
}
