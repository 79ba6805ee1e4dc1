import { sql } from 'kysely';
import type { Transaction } from 'kysely';
import type { Migration } from '@conclave/platform';
import { parseFrame } from '@conclave/sealed-group';

/** Frames are read and written so many at a time: 64 MiB, should all be of the largest. */
const chunk = 32;

interface OldFrame {
  readonly group_id: string;
  readonly seq: number;
  readonly kind: string;
  readonly epoch: number;
  readonly body_hash: Uint8Array;
  readonly frame: Uint8Array;
  readonly accepted_at_ms: number;
}

type NewFrame = OldFrame & { readonly sent_at_ms: number };

/**
 * Frames are found by when their sender made them and the hash of their body, where it was their group and that hash. Hashes
 * alone are scattered over their whole index, so each message wrote a page of it anew: most of what a commit to disk had to
 * write. The body holds the time (and the group), so what is unique stays the same.
 *
 * The table is made anew, since SQLite gives up no constraint otherwise: some 60,000 messages a second, in one transaction.
 */
export const findFramesByTime: Migration = {
  id: 6,
  name: 'frames by time',
  async up(db, engine) {
    await db.schema
      .createTable('sealed_frames_by_time')
      .addColumn('group_id', 'text', (column) => column.notNull())
      .addColumn('seq', engine.integer, (column) => column.notNull())
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('epoch', engine.integer, (column) => column.notNull())
      .addColumn('sent_at_ms', engine.integer, (column) => column.notNull())
      .addColumn('body_hash', engine.bytes, (column) => column.notNull())
      .addColumn('frame', engine.bytes, (column) => column.notNull())
      .addColumn('accepted_at_ms', engine.integer, (column) => column.notNull())
      .addPrimaryKeyConstraint('sealed_frames_in_log', ['group_id', 'seq'])
      .addUniqueConstraint('sealed_frames_once', ['sent_at_ms', 'body_hash'])
      .execute();
    await copyFrames(db.withTables<{ sealed_frames: OldFrame; sealed_frames_by_time: NewFrame }>());
    await db.schema.dropTable('sealed_frames').execute();
    await db.schema.alterTable('sealed_frames_by_time').renameTo('sealed_frames').execute();
  },
};

async function copyFrames(
  db: Transaction<{ sealed_frames: OldFrame; sealed_frames_by_time: NewFrame }>,
): Promise<void> {
  let after: Pick<OldFrame, 'group_id' | 'seq'> = { group_id: '', seq: 0 };
  for (;;) {
    const frames = await db
      .selectFrom('sealed_frames')
      .selectAll()
      .where(sql<boolean>`(group_id, seq) > (${after.group_id}, ${after.seq})`)
      .orderBy('group_id')
      .orderBy('seq')
      .limit(chunk)
      .execute();
    const last = frames.at(-1);
    if (last === undefined) return;
    await db
      .insertInto('sealed_frames_by_time')
      .values(frames.map((frame) => ({ ...frame, sent_at_ms: sentAtMsOf(frame) })))
      .execute();
    after = last;
  }
}

function sentAtMsOf({ group_id: groupId, seq, frame }: OldFrame): number {
  const parsed = parseFrame(Uint8Array.from(frame));
  if (!parsed.ok) throw new Error(`frame ${seq} of group ${groupId} is damaged: ${parsed.rule}`);
  return parsed.value.header.nowMs;
}
