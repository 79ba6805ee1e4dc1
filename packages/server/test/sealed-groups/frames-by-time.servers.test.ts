import { silentLog, systemClock } from '@conclave/platform';
import { openPostgresStore } from '@conclave/platform/postgres';
import { missingPostgres, startPostgres, type PostgresServer } from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { itKeepsTheLog } from './frames-by-time.ts';

requireServer(missingPostgres())('the migration that finds frames by time, on PostgreSQL', () => {
  let server: PostgresServer;
  let database: Awaited<ReturnType<PostgresServer['createDatabase']>>;
  beforeAll(async () => {
    server = await startPostgres();
  });
  beforeEach(async () => {
    database = await server.createDatabase();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  itKeepsTheLog((sequence) =>
    openPostgresStore({
      ...database,
      maxConnections: 6,
      migrations: [sequence],
      clock: systemClock,
      log: silentLog,
    }),
  );
});
