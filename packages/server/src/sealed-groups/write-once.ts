/** Writing frames: a twin of the frame, posted at the same time, may be faster. */
import { isUniqueViolation } from '@conclave/platform';
import type { Store } from '@conclave/platform';
import type { GroupHead, LeaveFrame, MessageFrame } from '@conclave/sealed-group';
import type { ServerDatabase } from '../schema/server-database.ts';
import { announceFrame } from './announce.ts';
import { insertFrame, takeSeq } from './group-rows.ts';
import type { GroupTransaction } from './group-rows.ts';
import { JudgedTooEarly } from './judged-too-early.ts';

/**
 * Undefined, and nothing written, also when a frame with the same body was written meanwhile, or the unit threw
 * {@link JudgedTooEarly}: then judge again.
 *
 * `locked-rows`: every unit that writes a frame first changes the group's row, on condition of its epoch. That row is the lock
 * under which everything else of the group changes, so what is read after it stays true.
 */
export async function writeOnce(
  store: Store<ServerDatabase>,
  unit: (trx: GroupTransaction) => Promise<number | undefined>,
): Promise<number | undefined> {
  try {
    return await store.write(unit, { isolation: 'locked-rows' });
  } catch (error) {
    if (isUniqueViolation(error) || error instanceof JudgedTooEarly) return undefined;
    throw error;
  }
}

/** One frame that leaves the epoch as it is. */
export interface EpochFrame {
  readonly groupId: string;
  readonly head: GroupHead;
  readonly frame: LeaveFrame | MessageFrame;
  readonly nowMs: number;
  /** Of the work that it is part of, if that is traced. */
  readonly traceParent: string | undefined;
}

/** Writes it if the group is still in `head`'s epoch; resolves with its sequence number. */
export async function writeInEpoch(
  store: Store<ServerDatabase>,
  { groupId, head, frame, nowMs, traceParent }: EpochFrame,
  also: (trx: GroupTransaction) => Promise<void> = async () => undefined,
): Promise<number | undefined> {
  return await writeOnce(store, async (trx) => {
    const seq = await takeSeq(trx, groupId, head.epoch);
    if (seq === undefined) return undefined;
    await insertFrame(trx, groupId, frame, { seq, nowMs });
    await also(trx);
    const { lastRemovalEpoch } = head;
    await announceFrame(trx, { groupId, frame, seq, lastRemovalEpoch, traceParent });
    return seq;
  });
}
