/** Every row of every table: what "leaves no trace" is measured by. */
import { sql } from 'kysely';
import type { ConclaveServer } from '../../src/index.ts';

/**
 * All rows as text, by table, once the relay has published what is due. SQLite's counter of outbox rows is among them, so that
 * a row which came and went shows too.
 */
export async function dumpDatabase({ store }: ConclaveServer): Promise<Record<string, string[]>> {
  await outboxIsEmpty({ store });
  const tables = await tableNames[store.engine].execute(store.db);
  const dump: Record<string, string[]> = {};
  for (const { name } of tables.rows) {
    const { rows } = await sql<Record<string, unknown>>`select * from ${sql.table(name)}`.execute(store.db);
    dump[name] = rows.map((row) => JSON.stringify(row, textOf)).sort();
  }
  return dump;
}

/** On PostgreSQL without what the adapter and the leases of the process keep there: that changes all the time. */
const tableNames = {
  sqlite: sql<{ name: string }>`select name from sqlite_master where type = 'table'`,
  postgres: sql<{ name: string }>`select tablename as name from pg_tables
    where schemaname = current_schema() and tablename not in ('store_sessions', 'leases')`,
};

export async function outboxIsEmpty({ store }: Pick<ConclaveServer, 'store'>): Promise<void> {
  for (;;) {
    const rows = await store.db.selectFrom('outbox').select('message_id').limit(1).execute();
    if (rows.length === 0) return;
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

function textOf(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;
}
