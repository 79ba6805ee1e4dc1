/**
 * A connection that runs units, and its marker: one row of `store_sessions`, which every transaction changes first.
 *
 *   begin; update store_sessions set unit = 7 where id = 3; … ; commit ──╳ the answer is lost
 *   another connection: select unit from store_sessions where id = 3 for update
 *                       waits until that transaction has ended ─▶ 7: it was committed; 6: it never will be
 *
 * The change takes the transaction's id before any serial id is taken, which is what `horizon` builds on (horizon.ts). And
 * after a COMMIT whose answer was lost the marker tells what became of it. `pg_xact_status` cannot: a transaction that a
 * crash has undone leaves no trace of its id, and the id is given out again after it.
 */
import type pg from 'pg';
import type { Clock } from '../../clock/clock.ts';
import type { MigrationSequence } from '../migration.ts';
import { PipelinedConnection } from './pipelined-connection.ts';

/** The adapter's own table, beside the program's migrations. */
export const postgresMigrations: MigrationSequence = {
  name: 'postgres',
  migrations: [
    {
      id: 1,
      name: 'sessions',
      async up(db, engine) {
        await db.schema
          .createTable('store_sessions')
          .addColumn('id', engine.serial.type, engine.serial.define)
          .addColumn('unit', engine.integer, (column) => column.notNull())
          .addColumn('backend_pid', 'integer', (column) => column.notNull())
          .addColumn('backend_start', 'timestamptz', (column) => column.notNull())
          .execute();
      },
    },
  ],
};

export interface WriterSession {
  readonly connection: PipelinedConnection;
  readonly id: number;
  /** The number of the unit that ran last. */
  unit: number;
}

/** Connecting, and then each answer, may take up to `timeoutMs`: the connection is given up beyond it. */
export interface AskOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
}

export async function openWriterSession(
  config: pg.ClientConfig,
  { clock, timeoutMs }: AskOptions,
): Promise<WriterSession> {
  const connectionTimeoutMillis = Math.min(config.connectionTimeoutMillis ?? timeoutMs, timeoutMs);
  const connection = await PipelinedConnection.open({ ...config, connectionTimeoutMillis }, clock);
  try {
    const { rows } = await connection.queryWithin<{ id: number }>(timeoutMs, {
      text: `insert into store_sessions (unit, backend_pid, backend_start)
        select 0, pid, backend_start from pg_stat_activity where pid = pg_backend_pid() returning id`,
    });
    return { connection, id: rows[0]!.id, unit: 0 };
  } catch (error) {
    connection.destroy(error as Error);
    throw error;
  }
}

/** The first statements of a unit's transaction; not waited for. Resolves with whether the marker was there. */
export async function beginUnit(session: WriterSession, begin: string): Promise<boolean> {
  session.unit += 1;
  const { connection } = session;
  const [, marked] = await Promise.all([
    connection.query({ text: begin }),
    connection.query({
      name: 'mark unit',
      text: 'update store_sessions set unit = $2 where id = $1',
      values: [session.id, session.unit],
    }),
  ]);
  return marked.rowCount === 1;
}

/**
 * What became of the unit that ran last in a session whose connection is lost: `undefined` when nobody can tell, since the
 * session was closed by somebody. Ends the session, if the database has not noticed that we are gone. Each of two answers
 * may take up to `timeoutMs`: the connection is given up beyond it.
 */
export async function askForOutcome(
  connection: PipelinedConnection,
  { id, unit }: Pick<WriterSession, 'id' | 'unit'>,
  timeoutMs: number,
): Promise<'committed' | 'undone' | undefined> {
  // A commit under way is not broken off by it: the row is locked until it is done.
  await connection.queryWithin(timeoutMs, {
    text: `select pg_terminate_backend(pid) from pg_stat_activity
      join store_sessions on backend_pid = pid and pg_stat_activity.backend_start = store_sessions.backend_start
      where store_sessions.id = $1`,
    values: [id],
  });
  const { rows } = await connection.queryWithin<{ unit: number }>(timeoutMs, {
    text: 'select unit from store_sessions where id = $1 for update',
    values: [id],
  });
  if (rows[0] === undefined) return undefined;
  return rows[0].unit === unit ? 'committed' : 'undone';
}

/** Forgets sessions: these, and those whose connections are long gone. */
export async function forgetSessions(
  connection: PipelinedConnection,
  ids: readonly number[],
  timeoutMs: number,
): Promise<void> {
  await connection.queryWithin(timeoutMs, {
    text: `delete from store_sessions where id = any($1::bigint[]) or (
      backend_start < now() - interval '1 day' and not exists (
        select from pg_stat_activity
        where pid = backend_pid and pg_stat_activity.backend_start = store_sessions.backend_start
      ))`,
    values: [ids],
  });
}
