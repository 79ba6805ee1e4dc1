/**
 * What the database says of a frame that arrives: whether it is stored, and the row of its group. Frames that arrive in
 * one turn of the event loop are looked up together, and each group's row is read once for all of its frames: under load
 * a turn is what arrived while the last batch was written.
 */
import type { ParsedFrame } from '@conclave/sealed-group';
import type { GroupRow, GroupRows, StoredFrame } from './group-rows.ts';

export interface Standing {
  /** The stored frame with the same body. */
  readonly stored: StoredFrame | undefined;
  readonly row: GroupRow | undefined;
}

export type StandingReads = (groupId: string, frame: ParsedFrame) => Promise<Standing>;

/** Lookups in one turn: what does not fit lets the event loop breathe first. */
const maxPerTurn = 256;

interface Wanted {
  readonly groupId: string;
  readonly frame: ParsedFrame;
  readonly resolve: (standing: Standing) => void;
  readonly reject: (error: unknown) => void;
}

export function createStandingReads(rows: GroupRows): StandingReads {
  let waiting: Wanted[] = [];

  const readTogether = async (): Promise<void> => {
    const batch = waiting.slice(0, maxPerTurn);
    waiting = waiting.slice(maxPerTurn);
    if (waiting.length > 0) setImmediate(() => void readTogether());
    try {
      const stored = await rows.findFrames(batch);
      const groupIds = [...new Set(batch.map(({ groupId }) => groupId))];
      const found = await rows.findGroups(groupIds);
      const rowById = new Map(groupIds.map((groupId, index) => [groupId, found[index]]));
      batch.forEach(({ groupId, resolve }, index) =>
        resolve({ stored: stored[index], row: rowById.get(groupId) }),
      );
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  };

  return (groupId, frame) =>
    new Promise((resolve, reject) => {
      waiting.push({ groupId, frame, resolve, reject });
      if (waiting.length === 1) setImmediate(() => void readTogether());
    });
}
