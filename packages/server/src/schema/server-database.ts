/** The type of the whole database: each feature's tables, the outbox and the keys of blobs. */
import type { OutboxTables } from '@conclave/platform';
import type { BlobKeyTables } from '@conclave/platform/blob-encryption';
import type { AccountTables } from '../accounts/account-tables.ts';
import type { MoveBlobsTables } from '../move-blobs/move-tables.ts';
import type { SealedGroupTables } from '../sealed-groups/sealed-group-tables.ts';
import type { TransferTables } from '../transfers/transfer-tables.ts';

export interface ServerIdentityTable {
  id: 1;
  server_name: string;
}

export interface ServerDatabase
  extends OutboxTables, BlobKeyTables, AccountTables, TransferTables, SealedGroupTables, MoveBlobsTables {
  server_identity: ServerIdentityTable;
}
