/** From an empty database, or one that this move has begun to fill, to one with the program's schema and the move's marks. */
import type { Database } from 'better-sqlite3';
import { silentLog, systemClock, type MigrationSequence } from '@conclave/platform';
import { openPostgresStore, type PostgresTarget } from '@conclave/platform/postgres';
import type { ServerDatabase } from '../schema/server-database.ts';
import { MoveError } from './move-error.ts';
import { MoveProgress } from './move-progress.ts';
import type { TargetDatabase } from './target-database.ts';

/**
 * Claims the target for the move. Throws {@link MoveError} `MOVE_TARGET_NOT_EMPTY`, without having changed anything, when
 * there is anything that this move did not put there. Returns whether the move had begun before.
 */
export async function claimTarget(target: TargetDatabase, move: string): Promise<boolean> {
  return await target.transaction(async () => {
    const { rows } = await target.client.query<{ name: string }>(`
      select relname as name from pg_class
      where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f')`);
    if (rows.length === 0) {
      await MoveProgress.create(target, move);
      return false;
    }
    if (rows.some(({ name }) => name === 'store_move')) {
      const { rowCount } = await target.client.query('select 1 from store_move where move = $1', [move]);
      if (rowCount === 1) return true;
      throw new MoveError('MOVE_TARGET_NOT_EMPTY', 'another installation is being moved into this database');
    }
    throw new MoveError(
      'MOVE_TARGET_NOT_EMPTY',
      `the database is not empty (it has ${rows.length} tables or views): create one for the move`,
    );
  });
}

/** The same schema as every server makes, by the same migrations. */
export async function migrateTarget(
  target: PostgresTarget,
  migrations: readonly MigrationSequence[],
): Promise<void> {
  const store = await openPostgresStore<ServerDatabase>({
    ...target,
    maxConnections: 6,
    migrations,
    clock: systemClock,
    log: silentLog,
  });
  await store.close();
}

/** Throws {@link MoveError} `MOVE_SCHEMA` unless both databases have seen the same migrations. */
export async function compareSchemas(source: Database, target: TargetDatabase): Promise<void> {
  const query = 'select sequence, id, name from schema_migrations';
  type Record = { readonly sequence: string; readonly id: number | bigint; readonly name: string };
  const describe = ({ sequence, id, name }: Record): string => `${sequence} ${id} ${name}`;
  const inSource = source.prepare<[], Record>(query).all();
  const sequences = new Set(inSource.map(({ sequence }) => sequence));
  const { rows } = await target.client.query<Record>(query);
  // Sequences that only the target has are about its engine.
  const inTarget = new Set(rows.filter(({ sequence }) => sequences.has(sequence)).map(describe));
  const missing = inSource.map(describe).filter((record) => !inTarget.delete(record));
  if (missing.length === 0 && inTarget.size === 0) return;
  throw new MoveError(
    'MOVE_SCHEMA',
    'the SQLite database was not last used by this version of the program: start its server with this version once',
  );
}
