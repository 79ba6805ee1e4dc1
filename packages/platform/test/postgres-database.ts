import type { ContractDatabase, ContractTables } from '@conclave/testkit/contracts';
import type { PostgresAddress, PostgresServer } from '@conclave/testkit/servers';
import { silentLog, systemClock } from '@conclave/platform';
import { openPostgresStore } from '@conclave/platform/postgres';

/** A database of its own on a server that the caller has started. */
export async function createPostgresDatabase(
  server: PostgresServer,
): Promise<ContractDatabase & { readonly address: PostgresAddress }> {
  const address = await server.createDatabase();
  return {
    address,
    processes: 'many',
    open: ({ migrations, ...limits }) =>
      openPostgresStore<ContractTables>({
        url: address.url,
        password: address.password,
        maxConnections: 12,
        migrations,
        limits,
        clock: systemClock,
        log: silentLog,
      }),
    // The server goes with everything on it.
    destroy: async () => {},
  };
}
