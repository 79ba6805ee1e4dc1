import type { Migration } from '@conclave/platform';

/** Where the sweep of attachments that no row names goes on: one row, or none before its first page. */
export const rememberAttachmentSweep: Migration = {
  id: 7,
  name: 'attachment sweep',
  readableBy: 6,
  async up(db, engine) {
    await db.schema
      .createTable('attachment_sweep')
      .addColumn('id', engine.integer, (column) => column.primaryKey())
      .addColumn('from_page', 'text')
      .execute();
  },
};
