import type { Migration } from '@conclave/platform';

/** The tables of ../transfers/transfer-tables.ts. */
export const createTransfers: Migration = {
  id: 3,
  name: 'transfers',
  async up(db, engine) {
    await db.schema
      .createTable('transfers')
      .addColumn('id_hash', engine.bytes, (column) => column.primaryKey())
      .addColumn('body', engine.bytes, (column) => column.notNull())
      .addColumn('size', 'integer', (column) => column.notNull())
      .addColumn('expires_at_ms', engine.integer, (column) => column.notNull())
      .execute();
    await db.schema.createIndex('transfers_by_expiry').on('transfers').columns(['expires_at_ms']).execute();
    await db.schema
      .createTable('transfer_totals')
      .addColumn('id', 'integer', (column) => column.primaryKey())
      .addColumn('bytes', engine.integer, (column) => column.notNull())
      .addColumn('count', engine.integer, (column) => column.notNull())
      .execute();
    await db
      .withTables<{ transfer_totals: { id: number; bytes: number; count: number } }>()
      .insertInto('transfer_totals')
      .values({ id: 1, bytes: 0, count: 0 })
      .execute();
  },
};
