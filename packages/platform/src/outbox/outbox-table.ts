/**
 * The outbox: what has happened and is still to be told, written in the same unit as the change itself.
 *
 * Rows wait in `outbox` until the bus has acknowledged them. Those that the bus keeps refusing move to
 * `outbox_parked`, so that the relay never reads past them and an operator sees them at a glance.
 */
import { sql } from 'kysely';
import type { CompiledQuery, Generated, Transaction } from 'kysely';
import { createLeasesTable } from '../leases/postgres/leases-table.ts';
import type { MigrationSequence } from '../store/migration.ts';
import { databaseNowMs } from '../store/database-clock.ts';
import { slotOf } from './slot.ts';

export interface OutboxTable {
  /** Ascending in order of insertion; for one ordering key therefore the order of publication. */
  id: Generated<number>;
  subject: string;
  ordering_key: string;
  message_id: string;
  payload: Uint8Array;
  /** W3C `traceparent` of the work that enqueued it, if that is traced. */
  trace_parent: string | null;
  /** By the database's clock, which is the same for all processes; null for rows of programs that did not know it. */
  accepted_at_ms: Generated<number | null>;
  /** Of the ordering key (slot.ts). */
  slot: Generated<number>;
}

export interface OutboxParkedTable {
  /** The id it had in the outbox. */
  id: number;
  subject: string;
  ordering_key: string;
  message_id: string;
  payload: Uint8Array;
  trace_parent: string | null;
  accepted_at_ms: number | null;
  slot: Generated<number>;
  attempts: number;
  /** The stable code of the last refusal, never its message. */
  error_code: string;
  parked_at_ms: number;
}

/** To be part of the `DB` type of every store. */
export interface OutboxTables {
  outbox: OutboxTable;
  outbox_parked: OutboxParkedTable;
}

/** Run by every adapter of the store, before the program's own migrations. */
export const platformMigrations: MigrationSequence = {
  name: 'platform',
  migrations: [
    {
      id: 1,
      name: 'outbox',
      async up(db, engine) {
        await db.schema
          .createTable('outbox')
          .addColumn('id', engine.serial.type, engine.serial.define)
          .addColumn('subject', 'text', (column) => column.notNull())
          .addColumn('ordering_key', 'text', (column) => column.notNull())
          .addColumn('message_id', 'text', (column) => column.notNull())
          .addColumn('payload', engine.bytes, (column) => column.notNull())
          .execute();
        // A key that was set aside is read on from where it stopped.
        await db.schema.createIndex('outbox_by_key').on('outbox').columns(['ordering_key', 'id']).execute();
        await db.schema
          .createTable('outbox_parked')
          .addColumn('id', engine.integer, (column) => column.primaryKey())
          .addColumn('subject', 'text', (column) => column.notNull())
          .addColumn('ordering_key', 'text', (column) => column.notNull())
          .addColumn('message_id', 'text', (column) => column.notNull())
          .addColumn('payload', engine.bytes, (column) => column.notNull())
          .addColumn('attempts', 'integer', (column) => column.notNull())
          .addColumn('error_code', 'text', (column) => column.notNull())
          .addColumn('parked_at_ms', engine.integer, (column) => column.notNull())
          .execute();
      },
    },
    {
      id: 2,
      name: 'leases',
      readableBy: 1,
      async up(db, engine) {
        // The embedded database has one process, which needs nobody's leave.
        if (engine.name === 'postgres') await createLeasesTable(db);
      },
    },
    {
      id: 3,
      name: 'outbox-observability',
      // An older process leaves the columns empty, and copies them when it parks a row: both tables have them.
      readableBy: 1,
      async up(db, { name, integer }) {
        const now = databaseNowMs(name);
        await db.schema.alterTable('outbox').addColumn('trace_parent', 'text').execute();
        if (name === 'sqlite') {
          // SQLite adds a column with a computed default to an empty table only. Ids are never given out twice meanwhile.
          await sql`create table outbox_aside as select * from outbox`.execute(db);
          await sql`delete from outbox`.execute(db);
          await sql`alter table outbox add column accepted_at_ms integer default (${now})`.execute(db);
          await sql`insert into outbox (id, subject, ordering_key, message_id, payload, accepted_at_ms)
            select id, subject, ordering_key, message_id, payload, null from outbox_aside`.execute(db);
          await sql`drop table outbox_aside`.execute(db);
        } else {
          // In two steps: what is there already was not accepted now.
          await db.schema.alterTable('outbox').addColumn('accepted_at_ms', integer).execute();
          await sql`alter table outbox alter column accepted_at_ms set default (${now})`.execute(db);
        }
        await db.schema.alterTable('outbox_parked').addColumn('trace_parent', 'text').execute();
        await db.schema.alterTable('outbox_parked').addColumn('accepted_at_ms', integer).execute();
      },
    },
    {
      id: 4,
      name: 'outbox-slots',
      // As above. An older program relays alone, whatever the slots say.
      readableBy: 1,
      async up(db) {
        for (const table of ['outbox', 'outbox_parked']) {
          await db.schema
            .alterTable(table)
            .addColumn('slot', 'integer', (column) => column.notNull().defaultTo(0))
            .execute();
        }
        await fillSlots(db.withTables<{ outbox: OutboxTable }>());
      },
    },
  ],
};

/** Gives rows that are there already the slots of their keys, a bounded number at a time. */
async function fillSlots(db: Transaction<{ outbox: OutboxTable }>): Promise<void> {
  for (let afterId = 0; ;) {
    const rows = await db
      .selectFrom('outbox')
      .select(['id', 'ordering_key'])
      .where('id', '>', afterId)
      .orderBy('id')
      .limit(1_000)
      .execute();
    for (const { id, ordering_key } of rows) {
      await db
        .updateTable('outbox')
        .set({ slot: slotOf(ordering_key) })
        .where('id', '=', id)
        .execute();
    }
    const last = rows.at(-1);
    if (last === undefined) return;
    afterId = last.id;
  }
}

/** Whether a query inserts into the outbox: how a store knows whom to wake, whatever wrapped its transaction. */
export function isOutboxInsert({ query }: CompiledQuery): boolean {
  return query.kind === 'InsertQueryNode' && query.into?.table.identifier.name === 'outbox';
}
