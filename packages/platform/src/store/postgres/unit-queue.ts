/**
 * Units of work on PostgreSQL: a bounded queue in front of as many connections as there are for writing, and what is done
 * with an attempt that did not come to an end (unit-attempt.ts).
 *
 *   write(unit) ─▶ queue ─▶ a free session ─▶ attempt ─┬─ committed, rejected ─▶ the caller hears of it
 *                 (bounded)        ▲                   ├─ conflict ─▶ a pause, later alone ─┐
 *                                  ├───────────────────┼─ lost ─▶ a new connection ─────────┤ again, bounded
 *                                  └───────────────────┴─ unknown ─▶ ask: undone ───────────┘
 *                                                                   └─ committed ─▶ the caller hears of it
 */
import type { Transaction } from 'kysely';
import type pg from 'pg';
import type { Clock } from '../../clock/clock.ts';
import { randomFraction, type RandomSource } from '../../random/random-source.ts';
import { outsideWork } from '../../tracing/work.ts';
import { StoreError } from '../store-error.ts';
import type { Isolation } from '../store.ts';
import { AttemptGate } from './attempt-gate.ts';
import type { PipelinedConnection } from './pipelined-connection.ts';
import { isStalePlan, unavailable } from './postgres-error.ts';
import { attemptUnit, type AttemptLimits, type AttemptOutcome } from './unit-attempt.ts';
import { askForOutcome, forgetSessions, openWriterSession, type WriterSession } from './writer-session.ts';

export interface UnitQueueLimits extends AttemptLimits {
  /** Units waiting: beyond it `submit` rejects with `STORE_BUSY`. */
  readonly maxQueued: number;
  /** Races that a unit may lose before it is rejected with `STORE_BUSY`. */
  readonly maxConflicts: number;
  /** How long a unit is tried again while the database cannot be reached. */
  readonly retryForMs: number;
  /** How long the outcome of a commit is asked for after its answer was lost. */
  readonly resolveForMs: number;
}

/** What a unit came to, for metrics. */
export interface FinishedUnit {
  readonly durationMs: number;
  readonly error: unknown;
}

export interface UnitQueueDeps {
  readonly config: pg.ClientConfig;
  /** Connections at most. */
  readonly sessions: number;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly limits: UnitQueueLimits;
  readonly onUnit: (unit: FinishedUnit) => void;
  readonly onRetry: (reason: 'conflict' | 'savepoints' | 'lost' | 'unknown') => void;
  /** Called after the commit of a unit that enqueued an outbox row. Must not throw. */
  readonly onOutbox: () => void;
}

interface Job {
  readonly unit: (trx: Transaction<unknown>) => Promise<unknown>;
  readonly isolation: Isolation;
  readonly submittedMs: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

type Final = Extract<AttemptOutcome, { kind: 'committed' | 'rejected' }>;

/** Races lost before a unit runs alone. */
const conflictsBeforeAlone = 3;

export class UnitQueue {
  readonly #deps: UnitQueueDeps;
  readonly #gate = new AttemptGate();
  readonly #waiting: Job[] = [];
  readonly #idle: WriterSession[] = [];
  /** Of sessions that this queue has opened and whose rows are still there. */
  readonly #sessionIds = new Set<number>();
  #running = 0;
  #connecting = 0;
  /** Since when no connection could be opened, and why. */
  #down: { readonly sinceMs: number; readonly error: unknown } | undefined;
  #closed = false;
  #drained: PromiseWithResolvers<void> | undefined;

  constructor(deps: UnitQueueDeps) {
    this.#deps = deps;
  }

  get queued(): number {
    return this.#waiting.length;
  }

  /** What this queue's connections do. */
  get connections(): { readonly running: number; readonly idle: number } {
    return { running: this.#running, idle: this.#idle.length };
  }

  submit<T, DB>(unit: (trx: Transaction<DB>) => Promise<T>, isolation: Isolation): Promise<T> {
    if (this.#closed) return Promise.reject(new StoreError('STORE_CLOSED', 'the store is closed'));
    if (this.#waiting.length >= this.#deps.limits.maxQueued) {
      return Promise.reject(new StoreError('STORE_BUSY', 'too many units of work are waiting'));
    }
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({
        unit: unit as Job['unit'],
        isolation,
        submittedMs: this.#deps.clock.monotonicMs(),
        resolve: resolve as Job['resolve'],
        reject,
      });
      this.#startNext();
    });
  }

  /** Opens the first connection, so that a database that cannot be used is noticed at the start. */
  async warmUp(): Promise<void> {
    this.#idle.push(await this.#open());
  }

  /** Refuses new units, waits for those accepted, closes the connections. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#running > 0) {
      this.#drained ??= Promise.withResolvers<void>();
      await this.#drained.promise;
    }
    const connections = this.#idle.splice(0).map(({ connection }) => connection);
    const [last] = connections.filter(({ lostBy }) => lostBy === undefined);
    if (last !== undefined) await this.#forget(last);
    await Promise.all(connections.map((connection) => connection.close()));
  }

  #startNext(): void {
    while (this.#running < this.#deps.sessions) {
      const job = this.#waiting.shift();
      if (job === undefined) break;
      this.#running += 1;
      // A unit may run when another one has ended: it is no part of that one's request.
      void outsideWork(() => this.#run(job));
    }
  }

  /** Never rejects. */
  async #run(job: Job): Promise<void> {
    await this.#serve(job);
    this.#running -= 1;
    this.#startNext();
    if (this.#running === 0) this.#drained?.resolve();
  }

  async #serve(job: Job): Promise<void> {
    const { clock, onUnit, onOutbox } = this.#deps;
    const outcome = await this.#runToTheEnd(job);
    const durationMs = clock.monotonicMs() - job.submittedMs;
    if (outcome.kind === 'committed') {
      onUnit({ durationMs, error: undefined });
      if (outcome.enqueued) onOutbox();
      job.resolve(outcome.value);
    } else {
      onUnit({ durationMs, error: outcome.error });
      job.reject(outcome.error);
    }
  }

  async #runToTheEnd({ unit, isolation }: Job): Promise<Final> {
    const { clock, limits, onRetry } = this.#deps;
    let session: WriterSession | undefined;
    let savepoints = false;
    let conflicts = 0;
    let lostSinceMs: number | undefined;
    let pauses = 0;
    try {
      for (;;) {
        let outcome: AttemptOutcome;
        try {
          session ??= await this.#take();
          using _turn = await this.#gate.enter(conflicts >= conflictsBeforeAlone);
          outcome = await attemptUnit(session, unit, { isolation, savepoints, clock, limits });
        } catch (error) {
          outcome = { kind: 'lost', error };
        }
        if (outcome.kind === 'unknown') {
          onRetry('unknown');
          const { value, enqueued, error } = outcome;
          const became = await this.#askForOutcome(session!);
          session = undefined;
          if (became === 'committed') return { kind: 'committed', value, enqueued };
          if (became === undefined) return { kind: 'rejected', error: unknownOutcome(error) };
          outcome = { kind: 'lost', error };
        }
        switch (outcome.kind) {
          case 'committed':
          case 'rejected':
            return outcome;
          case 'needs savepoints':
            onRetry('savepoints');
            savepoints = true;
            break;
          case 'conflict':
            onRetry('conflict');
            conflicts += 1;
            // What is prepared on this connection no longer fits the schema.
            if (isStalePlan(outcome.error)) session?.connection.destroy(outcome.error as Error);
            if (session?.connection.lostBy !== undefined) session = undefined;
            if (conflicts > limits.maxConflicts)
              return { kind: 'rejected', error: tooManyConflicts(outcome.error) };
            await this.#pause(Math.min(conflicts, 6));
            break;
          case 'lost': {
            onRetry('lost');
            session = undefined;
            lostSinceMs ??= clock.monotonicMs();
            const nowMs = clock.monotonicMs();
            const sinceMs = Math.min(lostSinceMs, this.#down?.sinceMs ?? nowMs);
            if (nowMs - sinceMs > limits.retryForMs) {
              return { kind: 'rejected', error: unavailable(outcome.error) };
            }
            pauses = Math.min(pauses + 1, 4);
            await this.#pause(pauses + 4);
          }
        }
      }
    } finally {
      if (session?.connection.lostBy === undefined && session !== undefined) this.#idle.push(session);
    }
  }

  /** A session that no unit runs on. */
  async #take(): Promise<WriterSession> {
    for (let session = this.#idle.pop(); session !== undefined; session = this.#idle.pop()) {
      if (session.connection.lostBy === undefined) return session;
    }
    return await this.#open();
  }

  async #open(timeoutMs = this.#deps.limits.silenceMs): Promise<WriterSession> {
    const { clock, limits } = this.#deps;
    // While the database is away, one tries; the others need not wait to hear the same.
    if (this.#down !== undefined && this.#connecting > 0) {
      if (clock.monotonicMs() - this.#down.sinceMs > limits.retryForMs) throw this.#down.error;
    }
    this.#connecting += 1;
    try {
      const session = await openWriterSession(this.#deps.config, { clock, timeoutMs });
      this.#down = undefined;
      this.#sessionIds.add(session.id);
      return session;
    } catch (error) {
      this.#down = { sinceMs: this.#down?.sinceMs ?? clock.monotonicMs(), error };
      throw error;
    } finally {
      this.#connecting -= 1;
    }
  }

  /** What became of the last unit of a session whose connection is lost. Undefined: that could not be found out. */
  async #askForOutcome(lost: WriterSession): Promise<'committed' | 'undone' | undefined> {
    const { clock, limits } = this.#deps;
    const sinceMs = clock.monotonicMs();
    for (let tries = 1; ; tries++) {
      // Silence is no answer either: what is left of the time bounds each question.
      const remainingMs = limits.resolveForMs - (clock.monotonicMs() - sinceMs);
      const timeoutMs = Math.max(1, Math.min(limits.silenceMs, remainingMs));
      try {
        const session = await this.#open(timeoutMs);
        try {
          return await askForOutcome(session.connection, lost, timeoutMs);
        } finally {
          if (session.connection.lostBy === undefined) this.#idle.push(session);
        }
      } catch {
        // Asked again: the database is away, and the outcome stands in it.
        if (clock.monotonicMs() - sinceMs > limits.resolveForMs) return undefined;
        await this.#pause(Math.min(tries + 4, 8));
      }
    }
  }

  /** Between a quarter and all of 2^`exponent` ms, at random, so that those who met do not meet again. */
  #pause(exponent: number): Promise<void> {
    const { clock, random } = this.#deps;
    const delayMs = 2 ** exponent * (0.25 + 0.75 * randomFraction(random));
    return new Promise((resolve) => clock.schedule(delayMs, resolve));
  }

  async #forget(connection: PipelinedConnection): Promise<void> {
    try {
      await forgetSessions(connection, [...this.#sessionIds], this.#deps.limits.silenceMs);
    } catch {
      // The database is away: whoever closes after us forgets them.
    }
  }
}

function tooManyConflicts(cause: unknown): StoreError {
  return new StoreError('STORE_BUSY', 'the unit of work lost too many races', { cause });
}

function unknownOutcome(cause: unknown): StoreError {
  return new StoreError(
    'STORE_OUTCOME_UNKNOWN',
    'the connection was lost during a commit, and the database could not be asked what became of it',
    { cause },
  );
}
