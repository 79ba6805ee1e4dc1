/**
 * The tests of accounts, transfers and sealed groups once more, with the server's data in PostgreSQL. What is said of them there is
 * said of both engines; the few that are about a file say so themselves.
 */
import { missingPostgres, startPostgres, type PostgresServer } from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { afterAll, beforeAll } from 'vitest';
import { useDatabases } from './test-server.ts';

requireServer(missingPostgres())('on PostgreSQL', async () => {
  let server: PostgresServer;

  beforeAll(async () => {
    server = await startPostgres();
    useDatabases({
      async create() {
        const { url, passwordFile } = await server.createDatabase();
        return { url, passwordFile };
      },
    });
  });

  afterAll(async () => {
    useDatabases(undefined);
    await server[Symbol.asyncDispose]();
  });

  await import('./accounts.test.ts');
  await import('./transfers.test.ts');
  await import('./operator.test.ts');
  await import('./error-codes.test.ts');
  await import('./sealed-groups/blobs.test.ts');
  await import('./sealed-groups/concurrency.test.ts');
  await import('./sealed-groups/every-code.test.ts');
  await import('./sealed-groups/happy-paths.test.ts');
  await import('./sealed-groups/judged-too-early.test.ts');
  await import('./sealed-groups/mass-removal.test.ts');
  await import('./sealed-groups/reading.test.ts');
  await import('./sealed-groups/refused-frames.test.ts');
});
