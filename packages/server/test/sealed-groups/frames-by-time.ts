/** A log of the release before, brought up to date: said once for both engines. */
import { randomUUID } from 'node:crypto';
import { isUniqueViolation } from '@conclave/platform';
import type { MigrationSequence, Store } from '@conclave/platform';
import { SealedGroup } from '@conclave/sealed-group';
import { personOf, valueOf } from '@conclave/testkit';
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { serverMigrations } from '../../src/schema/server-migrations.ts';
import type { ServerDatabase } from '../../src/schema/server-database.ts';

/** Opens the same database each time, with these migrations. */
export type OpenStore = (migrations: MigrationSequence) => Promise<Store<ServerDatabase>>;

const migrationsThen = 5;
/** More than are copied at a time. */
const messages = 150;

interface Logged {
  readonly groupId: string;
  readonly seq: number;
  readonly kind: string;
  readonly bytes: Uint8Array;
  readonly bodyHash: Uint8Array;
  readonly nowMs: number;
}

/** A group's creation and its owner's messages, the times of which repeat. */
function writeLog(name: string): Logged[] {
  const startMs = 1_800_000_000_000;
  const mode = { leafProof: false, minWriter: 'member', ownDevices: false } as const;
  const created = valueOf(
    SealedGroup.create(personOf(name), { origin: 'conclave.test', mode, nowMs: startMs }),
  );
  const { group } = created;
  const groupId = Buffer.from(group.groupId).toString('base64url');
  valueOf(group.processFrame(created.frame, 1));
  const logged = (kind: string, bytes: Uint8Array, seq: number, nowMs: number): Logged => {
    const bodyHash = Buffer.from(randomUUID().replaceAll('-', '').repeat(2), 'hex');
    return { groupId, seq, kind, bytes, bodyHash, nowMs };
  };
  return [
    logged('create', created.frame, 1, startMs),
    ...Array.from({ length: messages }, (_, index) => {
      const nowMs = startMs + Math.floor(index / 3);
      const content = { kind: 'text', text: `${index}` } as const;
      return logged('message', valueOf(group.encryptMessage({ content, nowMs })).frame, index + 2, nowMs);
    }),
  ];
}

export function itKeepsTheLog(open: OpenStore): void {
  it('keeps every frame at its place, with the time that its sender gave it', async () => {
    const logs = [...writeLog('ada'), ...writeLog('bo')];
    const then = await open({
      ...serverMigrations,
      migrations: serverMigrations.migrations.slice(0, migrationsThen),
    });
    await then.write(async (trx) => {
      for (const { groupId, seq, kind, bytes, bodyHash } of logs) {
        await sql`insert into sealed_frames (group_id, seq, kind, epoch, body_hash, frame, accepted_at_ms)
          values (${groupId}, ${seq}, ${kind}, 0, ${bodyHash}, ${bytes}, ${seq})`.execute(trx);
      }
    });
    await then.close();

    const store = await open(serverMigrations);
    try {
      const rows = await store.db.selectFrom('sealed_frames').selectAll().execute();
      const place = (row: { readonly groupId: string; readonly seq: number }) => `${row.groupId} ${row.seq}`;
      const now = rows
        .map((row) => ({
          groupId: row.group_id,
          seq: row.seq,
          kind: row.kind,
          bytes: Buffer.from(row.frame),
          bodyHash: Buffer.from(row.body_hash),
          nowMs: row.sent_at_ms,
        }))
        .sort((a, b) => (place(a) < place(b) ? -1 : 1));
      const expected = logs
        .map((frame) => ({
          ...frame,
          bytes: Buffer.from(frame.bytes),
          bodyHash: Buffer.from(frame.bodyHash),
        }))
        .sort((a, b) => (place(a) < place(b) ? -1 : 1));
      expect(now).toEqual(expected);
      expect(rows.every(({ seq, epoch, accepted_at_ms: at }) => epoch === 0 && at === seq)).toBe(true);

      const [row] = rows;
      const twin = store.write((trx) =>
        trx
          .insertInto('sealed_frames')
          .values({ ...row!, seq: 1_000 })
          .execute(),
      );
      await expect(twin).rejects.toSatisfy(isUniqueViolation);
    } finally {
      await store.close();
    }
  });

  it('is not begun with a frame that cannot be read, and changes nothing then', async () => {
    const then = await open({
      ...serverMigrations,
      migrations: serverMigrations.migrations.slice(0, migrationsThen),
    });
    await then.write((trx) =>
      sql`insert into sealed_frames (group_id, seq, kind, epoch, body_hash, frame, accepted_at_ms)
        values ('!', 7, 'message', 0, ${Buffer.from('hash')}, ${Buffer.from('no frame')}, 1)`.execute(trx),
    );
    await then.close();
    await expect(open(serverMigrations)).rejects.toMatchObject({
      code: 'STORE_MIGRATION_FAILED',
      cause: { message: expect.stringContaining('frame 7 of group ! is damaged') as string },
    });
    const again = await open({
      ...serverMigrations,
      migrations: serverMigrations.migrations.slice(0, migrationsThen),
    });
    try {
      const { rows } = await sql`select seq from sealed_frames where group_id = '!'`.execute(again.db);
      expect(rows).toEqual([{ seq: 7 }]);
      await again.write((trx) => sql`delete from sealed_frames`.execute(trx));
    } finally {
      await again.close();
    }
  });
}
