/**
 * One attempt of a unit of work: a transaction from its beginning to what became of it. Never rejects.
 *
 *   begin, marker ─▶ unit ─┬─ threw ─────────────▶ rollback ─▶ rejected
 *                          ├─ met a conflict ────▶ rollback ─▶ conflict                  run it again
 *                          ├─ went on after one ─▶ rollback ─▶ needs savepoints          run it again, with them
 *                          ├─ connection gone ───▶            lost                      it took no effect
 *                          └─ commit ─┬─ answered ─▶ committed
 *                                     └─ connection gone ─▶ unknown                      ask (writer-session.ts)
 */
import type { Transaction } from 'kysely';
import type { Clock } from '../../clock/clock.ts';
import type { Isolation } from '../store.ts';
import { StoreError } from '../store-error.ts';
import { isAbortedTransaction, isConflict, postgresStoreError, unavailable } from './postgres-error.ts';
import { UnitConnection } from './unit-connection.ts';
import { UnitTransaction } from './unit-transaction.ts';
import { beginUnit, type WriterSession } from './writer-session.ts';

export type AttemptOutcome =
  | { readonly kind: 'committed'; readonly value: unknown; readonly enqueued: boolean }
  | { readonly kind: 'rejected'; readonly error: unknown }
  | { readonly kind: 'conflict' | 'lost'; readonly error: unknown }
  | { readonly kind: 'unknown'; readonly value: unknown; readonly enqueued: boolean; readonly error: unknown }
  | { readonly kind: 'needs savepoints' };

export interface AttemptLimits {
  /** How long a unit may await something other than its queries. */
  readonly unitTimeoutMs: number;
  /** How long the database may say nothing while it is asked, before the connection is given up. */
  readonly silenceMs: number;
}

export interface AttemptOptions {
  readonly isolation: Isolation;
  readonly savepoints: boolean;
  readonly clock: Clock;
  readonly limits: AttemptLimits;
}

/** What a unit came to by itself, before anything is committed. */
type Settled =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: unknown };

const BEGIN: Record<Isolation, string> = {
  serializable: 'begin isolation level serializable',
  'locked-rows': 'begin isolation level read committed',
};

export async function attemptUnit<DB>(
  session: WriterSession,
  unit: (trx: Transaction<DB>) => Promise<unknown>,
  { isolation, savepoints, clock, limits }: AttemptOptions,
): Promise<AttemptOutcome> {
  const { connection } = session;
  const trx = new UnitConnection(connection, savepoints);
  const marked = beginUnit(session, BEGIN[isolation]);
  marked.catch(() => undefined);
  using watchdog = watch(session, trx, clock, limits);
  const settled = await Promise.race([settle(() => unit(new UnitTransaction<DB>(trx))), watchdog.stalled]);
  trx.end();

  if (connection.lostBy !== undefined) return { kind: 'lost', error: connection.lostBy };
  if (trx.conflict !== undefined) return undo(session, { kind: 'conflict', error: trx.conflict });
  const isFollowUp = !settled.ok && isAbortedTransaction(settled.error);
  if (trx.wentOn || isFollowUp || (settled.ok && trx.failure !== undefined)) {
    return undo(session, { kind: 'needs savepoints' });
  }
  if (!settled.ok) {
    return undo(session, { kind: 'rejected', error: postgresStoreError(settled.error) ?? settled.error });
  }
  return await commit(session, trx, marked, settled.value);
}

async function commit(
  session: WriterSession,
  trx: UnitConnection,
  marked: Promise<boolean>,
  value: unknown,
): Promise<AttemptOutcome> {
  const { connection } = session;
  try {
    // Without its marker the outcome could not be asked for: somebody has closed the session.
    if (!(await marked)) connection.destroy(new Error('the marker of the session is gone'));
  } catch (error) {
    connection.destroy(error as Error);
  }
  if (connection.lostBy !== undefined) return { kind: 'lost', error: connection.lostBy };
  const { enqueued } = trx;
  try {
    const { command } = await connection.query({ text: 'commit' });
    if (command === 'COMMIT') return { kind: 'committed', value, enqueued };
    // A statement that the unit did not wait for has failed.
    return trx.failure === undefined
      ? { kind: 'rejected', error: unavailable(new Error('the database has undone the transaction')) }
      : { kind: 'needs savepoints' };
  } catch (error) {
    if (connection.lostBy !== undefined) return { kind: 'unknown', value, enqueued, error };
    return isConflict(error)
      ? { kind: 'conflict', error }
      : { kind: 'rejected', error: postgresStoreError(error) ?? error };
  }
}

/** Not waited for: whatever comes next on this connection comes after it. */
function undo<Outcome extends AttemptOutcome>({ connection }: WriterSession, outcome: Outcome): Outcome {
  connection.query({ text: 'rollback' }).catch((error: Error) => connection.destroy(error));
  return outcome;
}

async function settle(run: () => Promise<unknown>): Promise<Settled> {
  try {
    return { ok: true, value: await run() };
  } catch (error) {
    return { ok: false, error };
  }
}

/**
 * Looks every `unitTimeoutMs` whether anything has happened since the last look. If not: either the unit waits for something
 * that is no query of its own (`stalled`), or the database is silent, and the connection is given up.
 */
function watch({ connection }: WriterSession, trx: UnitConnection, clock: Clock, limits: AttemptLimits) {
  const stalled = Promise.withResolvers<Settled>();
  const { unitTimeoutMs, silenceMs } = limits;
  const progress = (): number => connection.answered + trx.started;
  let seen = progress();
  let silentMs = 0;
  const look = (): void => {
    const now = progress();
    silentMs = now === seen ? silentMs + unitTimeoutMs : 0;
    seen = now;
    if (silentMs > 0 && connection.outstanding === 0) {
      const message = `a unit of work held its connection for ${unitTimeoutMs} ms`;
      stalled.resolve({ ok: false, error: new StoreError('STORE_UNIT_STALLED', message) });
      return;
    }
    if (silentMs >= silenceMs) {
      connection.destroy(new Error(`the database did not answer for ${silentMs} ms`));
      return;
    }
    timer = clock.schedule(unitTimeoutMs, look);
  };
  let timer = clock.schedule(unitTimeoutMs, look);
  return { stalled: stalled.promise, [Symbol.dispose]: () => timer[Symbol.dispose]() };
}
