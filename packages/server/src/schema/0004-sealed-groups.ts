import type { Migration } from '@conclave/platform';

/** The tables of ../sealed-groups/sealed-group-tables.ts. */
export const createSealedGroups: Migration = {
  id: 4,
  name: 'sealed groups',
  async up(db, engine) {
    await db.schema
      .createTable('sealed_groups')
      .addColumn('group_id', 'text', (column) => column.primaryKey())
      .addColumn('creator', 'text', (column) => column.notNull())
      .addColumn('created_at_ms', engine.integer, (column) => column.notNull())
      .addColumn('epoch', engine.integer, (column) => column.notNull())
      .addColumn('last_seq', engine.integer, (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('reservation', 'text')
      .addColumn('blob_bytes', engine.integer, (column) => column.notNull())
      .execute();
    await db.schema
      .createIndex('sealed_groups_by_creator')
      .on('sealed_groups')
      .columns(['creator'])
      .execute();
    await db.schema
      .createTable('sealed_frames')
      .addColumn('group_id', 'text', (column) => column.notNull())
      .addColumn('seq', engine.integer, (column) => column.notNull())
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('epoch', engine.integer, (column) => column.notNull())
      .addColumn('body_hash', engine.bytes, (column) => column.notNull())
      .addColumn('frame', engine.bytes, (column) => column.notNull())
      .addColumn('accepted_at_ms', engine.integer, (column) => column.notNull())
      .addPrimaryKeyConstraint('sealed_frames_pk', ['group_id', 'seq'])
      .addUniqueConstraint('sealed_frames_by_body', ['group_id', 'body_hash'])
      .execute();
    await db.schema
      .createTable('sealed_nodes')
      .addColumn('group_id', 'text', (column) => column.notNull())
      .addColumn('node', engine.integer, (column) => column.notNull())
      .addColumn('epoch', engine.integer, (column) => column.notNull())
      .addColumn('content', engine.bytes)
      .addPrimaryKeyConstraint('sealed_nodes_pk', ['group_id', 'node', 'epoch'])
      .execute();
    // A process whose cached tree is old reads only what changed since.
    await db.schema
      .createIndex('sealed_nodes_by_epoch')
      .on('sealed_nodes')
      .columns(['group_id', 'epoch'])
      .execute();
    await db.schema
      .createTable('sealed_epochs')
      .addColumn('group_id', 'text', (column) => column.notNull())
      .addColumn('epoch', engine.integer, (column) => column.notNull())
      .addColumn('leaf_count', engine.integer, (column) => column.notNull())
      .addColumn('tree_hash', engine.bytes, (column) => column.notNull())
      .addColumn('seq', engine.integer, (column) => column.notNull())
      .addColumn('made_at_ms', engine.integer, (column) => column.notNull())
      .addPrimaryKeyConstraint('sealed_epochs_pk', ['group_id', 'epoch'])
      .execute();
    await db.schema
      .createTable('sealed_leaves')
      .addColumn('group_id', 'text', (column) => column.notNull())
      .addColumn('leaf', engine.integer, (column) => column.notNull())
      .addColumn('leaf_epoch', engine.integer, (column) => column.notNull())
      .addColumn('signature', engine.bytes, (column) => column.notNull())
      .addPrimaryKeyConstraint('sealed_leaves_pk', ['group_id', 'leaf'])
      .execute();
    await db.schema
      .createTable('sealed_budgets')
      .addColumn('group_id', 'text', (column) => column.notNull())
      .addColumn('leaf', engine.integer, (column) => column.notNull())
      .addColumn('leaf_epoch', engine.integer, (column) => column.notNull())
      .addColumn('wait_until_ms', engine.integer, (column) => column.notNull())
      .addColumn('next_wait_ms', engine.integer, (column) => column.notNull())
      .addColumn('reserved_at_ms', engine.integer)
      .addPrimaryKeyConstraint('sealed_budgets_pk', ['group_id', 'leaf', 'leaf_epoch'])
      .execute();
    await db.schema
      .createTable('sealed_blobs')
      .addColumn('group_id', 'text', (column) => column.notNull())
      .addColumn('blob_id', 'text', (column) => column.notNull())
      .addColumn('storage_key', 'text', (column) => column.notNull().unique())
      .addColumn('size', engine.integer, (column) => column.notNull())
      .addColumn('sha256', engine.bytes, (column) => column.notNull())
      .addColumn('delete_hash', engine.bytes, (column) => column.notNull())
      .addColumn('created_at_ms', engine.integer, (column) => column.notNull())
      .addPrimaryKeyConstraint('sealed_blobs_pk', ['group_id', 'blob_id'])
      .execute();
  },
};
