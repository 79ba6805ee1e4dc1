/** Wrapped data keys of encrypted blobs. A blob without its row is gone, whatever octets are left of it somewhere. */
import type { MigrationSequence } from '../../store/migration.ts';
import type { Store } from '../../store/store.ts';

export interface BlobKeyTable {
  blob_key: string;
  /** Of one upload; the blob's header names it. Several stand beside each other while a blob is replaced. */
  generation: Uint8Array;
  master_key_id: string;
  /** nonce (12 octets) ‖ AES-256-GCM of the data key (32) ‖ tag (16). */
  wrapped: Uint8Array;
  /** Octets of the blob; null while it is being uploaded, or if that was broken off. */
  size: number | null;
  /** When the collector is to see whether the blob is still of this generation; null: it is, as far as is known. */
  check_at_ms: number | null;
}

/** To be part of the `DB` type of a store that keeps the keys of encrypted blobs. */
export interface BlobKeyTables {
  blob_keys: BlobKeyTable;
}

/** To be among the migrations of such a store. */
export const blobKeyMigrations: MigrationSequence = {
  name: 'blobs',
  migrations: [
    {
      id: 1,
      name: 'blob keys',
      async up(db, { bytes, integer }) {
        await db.schema
          .createTable('blob_keys')
          .addColumn('blob_key', 'text', (column) => column.notNull())
          .addColumn('generation', bytes, (column) => column.notNull())
          .addColumn('master_key_id', 'text', (column) => column.notNull())
          .addColumn('wrapped', bytes, (column) => column.notNull())
          .addColumn('size', integer)
          .addColumn('check_at_ms', integer)
          .addPrimaryKeyConstraint('blob_keys_pk', ['blob_key', 'generation'])
          .execute();
        // How many are wrapped by which master key, and which are to be wrapped anew.
        await db.schema
          .createIndex('blob_keys_by_master_key')
          .on('blob_keys')
          .columns(['master_key_id', 'blob_key', 'generation'])
          .execute();
        await db.schema.createIndex('blob_keys_to_check').on('blob_keys').column('check_at_ms').execute();
      },
    },
  ],
};

/** The same store, seen through this table alone. Kysely's types are invariant in `DB`. */
export function blobKeysOf<DB extends BlobKeyTables>(store: Store<DB>): Store<BlobKeyTables> {
  return store as unknown as Store<BlobKeyTables>;
}
