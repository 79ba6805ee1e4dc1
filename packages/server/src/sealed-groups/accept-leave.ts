/** Judges an eligible leave, and notes it for the next commit to carry out. */
import { currentTraceParent, traced } from '@conclave/platform';
import { verifyLeave } from '@conclave/sealed-group';
import type { LeaveFrame, PublicGroup } from '@conclave/sealed-group';
import type { AcceptedFrame, AcceptFrameDeps } from './accept-frame.ts';
import type { CachedGroup } from './group-cache.ts';
import { hasLeaves, upsertLeave } from './group-rows.ts';
import type { GroupRows } from './group-rows.ts';
import { JudgedTooEarly } from './judged-too-early.ts';
import { ruleError } from './rule-errors.ts';
import { writeInEpoch } from './write-once.ts';

type Deps = Pick<AcceptFrameDeps, 'store' | 'rows' | 'clock' | 'tracer'>;

export function createAcceptLeave({ store, rows, clock, tracer }: Deps) {
  /** Undefined: the epoch changed meanwhile, or a twin was faster. */
  return async (
    groupId: string,
    cached: CachedGroup,
    frame: LeaveFrame,
  ): Promise<AcceptedFrame | undefined> => {
    const group = await withLeaves(rows, groupId, cached);
    const leave = verifyLeave(group, frame);
    if (!leave.ok) throw ruleError(leave);
    const seq = await traced(tracer, 'store write', currentTraceParent(), (traceParent) =>
      writeInEpoch(store, { groupId, head: group, frame, nowMs: clock.nowMs(), traceParent }, async (trx) => {
        // Of two owners that leave at once, in two processes, one is the last.
        if (!(await hasLeaves(trx, groupId, group.outstandingLeaves))) throw new JudgedTooEarly();
        await upsertLeave(trx, groupId, leave.value.leave);
      }),
    );
    return seq === undefined ? undefined : { seq, epoch: group.epoch };
  };
}

/** Leaves change without an epoch, so whoever judges by them reads them anew. */
export async function withLeaves(
  rows: GroupRows,
  groupId: string,
  { group }: CachedGroup,
): Promise<PublicGroup> {
  return { ...group, outstandingLeaves: await rows.listLeaves(groupId) };
}
