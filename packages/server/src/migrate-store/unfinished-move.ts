/** A database that is being filled is no database to serve from: what it has is not yet all. */
import { sql } from 'kysely';
import type { Store } from '@conclave/platform';
import { ConfigError } from '../config/load-config.ts';
import type { ServerDatabase } from '../schema/server-database.ts';

/** Throws {@link ConfigError} while `conclave migrate-store` has not finished with the database. */
export async function refuseUnfinishedMove(store: Store<ServerDatabase>): Promise<void> {
  if (store.engine !== 'postgres') return;
  const { rows } = await sql`
    select 1 from pg_class where relnamespace = current_schema()::regnamespace and relname = 'store_move'`.execute(
    store.db,
  );
  if (rows.length === 0) return;
  throw new ConfigError([
    {
      key: 'store.url',
      source: 'configuration',
      problem: 'another installation is being moved into this database, and that has not ended',
      remedy: 'Run conclave migrate-store again: it goes on where it stopped. Or name another database.',
    },
  ]);
}
