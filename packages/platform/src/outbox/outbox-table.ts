/**
 * The outbox: what has happened and is still to be told, written in the same unit as the change itself.
 *
 * Rows wait in `outbox` until the bus has acknowledged them. Those that the bus keeps refusing move to
 * `outbox_parked`, so that the relay never reads past them and an operator sees them at a glance.
 */
import type { CompiledQuery, Generated } from 'kysely';
import type { MigrationSequence } from '../store/migration.ts';

export interface OutboxTable {
  /** Ascending in order of insertion; for one ordering key therefore the order of publication. */
  id: Generated<number>;
  subject: string;
  ordering_key: string;
  message_id: string;
  payload: Uint8Array;
}

export interface OutboxParkedTable {
  /** The id it had in the outbox. */
  id: number;
  subject: string;
  ordering_key: string;
  message_id: string;
  payload: Uint8Array;
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
  ],
};

/** Whether a query inserts into the outbox: how a store knows whom to wake, whatever wrapped its transaction. */
export function isOutboxInsert({ query }: CompiledQuery): boolean {
  return query.kind === 'InsertQueryNode' && query.into?.table.identifier.name === 'outbox';
}
