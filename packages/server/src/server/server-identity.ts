/**
 * Binds a database to its server name. User ids, and transcripts of sealed groups, contain the name, so starting
 * an existing database under another one would orphan everything in it.
 */
import type { Store } from '@conclave/platform';
import { ConfigError } from '../config/load-config.ts';
import type { ServerDatabase } from '../schema/server-database.ts';

/** Records the name at first start. Throws {@link ConfigError} when the database has another one. */
export async function claimServerName(store: Store<ServerDatabase>, serverName: string): Promise<void> {
  const recorded = await store.write(async (trx) => {
    await trx
      .insertInto('server_identity')
      .values({ id: 1, server_name: serverName })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .execute();
    return trx.selectFrom('server_identity').select('server_name').executeTakeFirstOrThrow();
  });
  if (recorded.server_name === serverName) return;
  throw new ConfigError([
    {
      key: 'serverName',
      source: 'configuration',
      value: JSON.stringify(serverName),
      problem: `this data directory belongs to the server name ${JSON.stringify(recorded.server_name)}`,
      remedy: `Set serverName: ${recorded.server_name}, or give another dataDirectory.`,
    },
  ]);
}
