import { sql } from 'kysely';
import type { Migration } from '@conclave/platform';

/**
 * Tree nodes get the hash of their subtree, and groups remember from which epoch on their trees can be read: see
 * ../sealed-groups/sealed-group-tables.ts.
 *
 * Hashes cannot be had without the protocol, and one transaction should not hold a large database. So the rows of an
 * existing one stay in `sealed_nodes` until ../sealed-groups/fill-subtrees.ts has moved them, before the server serves.
 */
export const keepSubtreeHashes: Migration = {
  id: 5,
  name: 'hashes of subtrees',
  async up(db, engine) {
    await db.schema
      .createTable('sealed_subtrees')
      .addColumn('group_id', 'text', (column) => column.notNull())
      .addColumn('node', engine.integer, (column) => column.notNull())
      .addColumn('epoch', engine.integer, (column) => column.notNull())
      .addColumn('content', engine.bytes)
      .addColumn('hash', engine.bytes)
      .addPrimaryKeyConstraint('sealed_subtrees_pk', ['group_id', 'node', 'epoch'])
      // The rows lie in the order of the key: a tree is read as it lies, and the key is not stored twice.
      .$call((table) => (engine.name === 'sqlite' ? table.modifyEnd(sql`without rowid`) : table))
      .execute();
    // What the next epochs superseded, in the order in which it is collected.
    await db.schema
      .createIndex('sealed_subtrees_by_epoch')
      .on('sealed_subtrees')
      .columns(['group_id', 'epoch', 'node'])
      .execute();

    for (const column of ['oldest_epoch', 'collected_epoch', 'collected_node']) {
      await db.schema
        .alterTable('sealed_groups')
        .addColumn(column, engine.integer, (definition) => definition.notNull().defaultTo(0))
        .execute();
    }
    await db.schema
      .alterTable('sealed_groups')
      .addColumn('oldest_superseded_at_ms', engine.integer)
      .execute();
    await sql`
      update sealed_groups set oldest_superseded_at_ms = (
        select made_at_ms from sealed_epochs
        where sealed_epochs.group_id = sealed_groups.group_id and sealed_epochs.epoch = 1
      )`.execute(db);
    await db.schema
      .createIndex('sealed_groups_by_oldest')
      .on('sealed_groups')
      .columns(['oldest_superseded_at_ms'])
      .execute();

    const { rows } = await sql`select 1 from sealed_nodes limit 1`.execute(db);
    if (rows.length === 0) await db.schema.dropTable('sealed_nodes').execute();
  },
};
