import type { Migration } from '@conclave/platform';

/** The tables of ../accounts/account-tables.ts. */
export const createAccounts: Migration = {
  id: 2,
  name: 'accounts, devices, tokens',
  async up(db, engine) {
    await db.schema
      .createTable('accounts')
      .addColumn('localpart', 'text', (column) => column.primaryKey())
      .addColumn('password_hash', 'text')
      .addColumn('created_at_ms', engine.integer, (column) => column.notNull())
      .addColumn('deactivated_at_ms', engine.integer)
      .execute();
    await db.schema
      .createTable('devices')
      .addColumn('localpart', 'text', (column) => column.notNull())
      .addColumn('device_id', 'text', (column) => column.notNull())
      .addColumn('display_name', 'text')
      .addColumn('created_at_ms', engine.integer, (column) => column.notNull())
      .addPrimaryKeyConstraint('devices_pk', ['localpart', 'device_id'])
      .execute();
    await db.schema
      .createTable('token_pairs')
      .addColumn('pair_id', 'text', (column) => column.primaryKey())
      .addColumn('localpart', 'text', (column) => column.notNull())
      .addColumn('device_id', 'text', (column) => column.notNull())
      .addColumn('parent_pair_id', 'text')
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('access_hash', engine.bytes, (column) => column.notNull().unique())
      .addColumn('access_expires_at_ms', engine.integer)
      .addColumn('refresh_hash', engine.bytes, (column) => column.unique())
      .addColumn('refresh_expires_at_ms', engine.integer)
      .execute();
    await db.schema
      .createIndex('token_pairs_by_device')
      .on('token_pairs')
      .columns(['localpart', 'device_id'])
      .execute();
    await db.schema
      .createIndex('token_pairs_by_expiry')
      .on('token_pairs')
      .columns(['refresh_expires_at_ms'])
      .execute();
    await db.schema
      .createTable('registration_tokens')
      .addColumn('token_id', 'text', (column) => column.primaryKey())
      .addColumn('token_hash', engine.bytes, (column) => column.notNull().unique())
      .addColumn('purpose', 'text', (column) => column.notNull())
      .addColumn('uses', 'integer', (column) => column.notNull())
      .addColumn('uses_allowed', 'integer')
      .addColumn('created_at_ms', engine.integer, (column) => column.notNull())
      .addColumn('expires_at_ms', engine.integer)
      .execute();
  },
};
