import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ContractDatabase, ContractTables } from '@conclave/testkit/contracts';
import { openSqliteStore, silentLog, systemClock } from '@conclave/platform';

/** An SQLite database in a folder of its own. */
export async function createSqliteDatabase(): Promise<ContractDatabase & { readonly file: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'conclave-store-'));
  const file = join(folder, 'data', 'test.db');
  return {
    file,
    processes: 'one',
    open: ({ migrations, ...limits }) =>
      openSqliteStore<ContractTables>({ file, migrations, limits, clock: systemClock, log: silentLog }),
    destroy: () => rm(folder, { recursive: true }),
  };
}
