/**
 * The server's own migrations, numbered and append-only (house style 27). A feature adds its file here and its
 * tables to ./server-database.ts; what is released is never edited.
 */
import type { MigrationSequence } from '@conclave/platform';
import { blobKeyMigrations } from '@conclave/platform/blob-encryption';
import { createServerIdentity } from './0001-server-identity.ts';
import { createAccounts } from './0002-accounts.ts';
import { createTransfers } from './0003-transfers.ts';
import { createSealedGroups } from './0004-sealed-groups.ts';
import { keepSubtreeHashes } from './0005-subtree-hashes.ts';
import { findFramesByTime } from './0006-frames-by-time.ts';
import { rememberAttachmentSweep } from './0007-attachment-sweep.ts';
import { moveAttachments } from './0008-attachment-moves.ts';

export const serverMigrations: MigrationSequence = {
  name: 'server',
  migrations: [
    createServerIdentity,
    createAccounts,
    createTransfers,
    createSealedGroups,
    keepSubtreeHashes,
    findFramesByTime,
    rememberAttachmentSweep,
    moveAttachments,
  ],
};

/** Everything that stands in the server's database beside what the platform's store keeps there itself. */
export const allMigrations: readonly MigrationSequence[] = [serverMigrations, blobKeyMigrations];
