import { afterAll, beforeAll } from 'vitest';
import { schemaUpgradeContract, sharedStoreContract, storeContract } from '@conclave/testkit/contracts';
import { missingPostgres, startPostgres, type PostgresServer } from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { createPostgresDatabase } from './postgres-database.ts';

requireServer(missingPostgres())('PostgreSQL', () => {
  let server: PostgresServer;

  beforeAll(async () => {
    server = await startPostgres();
  });

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  storeContract('PostgreSQL', () => createPostgresDatabase(server));
  sharedStoreContract('PostgreSQL', () => createPostgresDatabase(server));
  schemaUpgradeContract('PostgreSQL', () => createPostgresDatabase(server));
});
