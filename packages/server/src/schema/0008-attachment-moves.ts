import type { Migration } from '@conclave/platform';

/** Where attachments are kept, and which of them a move has brought there (../move-blobs). */
export const moveAttachments: Migration = {
  id: 8,
  name: 'attachment moves',
  readableBy: 6,
  async up(db, engine) {
    await db.schema
      .createTable('attachment_place')
      .addColumn('id', engine.integer, (column) => column.primaryKey())
      .addColumn('engine', 'text', (column) => column.notNull())
      .addColumn('previous', 'text')
      .addColumn('concurrency', engine.integer)
      .addColumn('begun_at_ms', engine.integer)
      .addColumn('finished_at_ms', engine.integer)
      .execute();
    await db.schema
      .createTable('moved_attachments')
      .addColumn('storage_key', 'text', (column) => column.primaryKey())
      .addColumn('sealed', engine.integer, (column) => column.notNull())
      .addColumn('problem', 'text')
      .execute();
  },
};
