import type { Migration } from '@conclave/platform';

/** One row: what this database belongs to. See ../server/server-identity.ts. */
export const createServerIdentity: Migration = {
  id: 1,
  name: 'server identity',
  async up(db) {
    await db.schema
      .createTable('server_identity')
      .addColumn('id', 'integer', (column) => column.primaryKey())
      .addColumn('server_name', 'text', (column) => column.notNull())
      .execute();
  },
};
