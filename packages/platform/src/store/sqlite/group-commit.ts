/**
 * Group commit: many units of work share one transaction and one sync to disk.
 *
 *   write(u1) ─┐                              ┌ SAVEPOINT u1 RELEASE ┐
 *   write(u2) ─┼─▶ queue ─▶ BEGIN IMMEDIATE ──┼ SAVEPOINT u2 ROLLBACK┼─▶ COMMIT ─▶ u1 ok, u2 rejects, u3 ok
 *   write(u3) ─┘  (bounded)                   └ SAVEPOINT u3 RELEASE ┘  one sync
 *
 * A unit that is alone in its group needs no savepoint: the transaction is its own. A unit that may wait goes with the next
 * group that others make, before them, so that a sync serves it that is needed anyway; or makes one itself after `maxWaitMs`.
 *
 * Invariants:
 *
 * - Nobody hears anything of a unit before COMMIT has returned, not even that it failed: a unit that found a
 *   conflict found it with changes of this group, which are not true before they are durable.
 * - A failed unit is rolled back to its savepoint; its neighbours do not notice.
 * - If the transaction itself fails (no space, I/O error), every unit of the group is rejected with a
 *   `StoreError` and the next group starts afresh.
 * - A unit sees what earlier units of its group did: they run one after the other.
 *
 * Units await only queries, and queries of the embedded engine are synchronous, so a group runs without leaving
 * the microtask queue; the event loop turns between groups. A unit that awaits anything else lets the event loop turn,
 * which starts its watchdog; when that fires, the unit is rolled back alone, and the group goes on.
 */
import type { Clock } from '../../clock/clock.ts';
import { systemClock } from '../../clock/system-clock.ts';
import { outsideWork } from '../../tracing/work.ts';
import { StoreError } from '../store-error.ts';
import { engineError } from './engine-error.ts';

/** The transaction and savepoint commands of one writing connection. All are synchronous and throw. */
export interface GroupTransaction {
  begin(): void;
  commit(): void;
  rollback(): void;
  savepoint(): void;
  releaseSavepoint(): void;
  rollbackToSavepoint(): void;
  /** False once the engine has rolled the transaction back by itself, as it does on some failures. */
  readonly isOpen: boolean;
}

export interface GroupCommitLimits {
  /** Units in one transaction: bounds how long the event loop is held. */
  readonly maxGroupSize: number;
  /** Units waiting: beyond it `submit` rejects with `STORE_BUSY`. */
  readonly maxQueued: number;
  /** How long a unit that may wait does so. */
  readonly maxWaitMs: number;
  /** How long one unit may hold the group by awaiting something other than its queries. */
  readonly unitTimeoutMs: number;
}

/** What a group came to. */
export interface CommittedGroup {
  readonly units: number;
  readonly durationMs: number;
  /** Why none of the units is durable; `undefined` if those that succeeded are. */
  readonly error: StoreError | undefined;
}

export interface GroupCommitDeps {
  readonly transaction: GroupTransaction;
  readonly clock: Clock;
  readonly limits: GroupCommitLimits;
  /** Called after every group, durable or not. */
  readonly onGroup: (group: CommittedGroup) => void;
  /** Called after a durable group in which a unit enqueued an outbox row. Must not throw. */
  readonly onOutbox: () => void;
}

/** What to run, and how to let go of it: `end` is called exactly once, when the unit is over. */
export interface Unit<T> {
  run(): Promise<T>;
  end(): void;
  /** For others with which it shares a sync. */
  readonly mayWait: boolean;
  /** Whether the unit, which is over, enqueued an outbox row. */
  readonly enqueued: boolean;
}

/** A unit's outcome, held back until the group is durable. */
type Outcome = { ok: true; value: unknown } | { ok: false; error: unknown };

interface QueuedUnit {
  readonly unit: Unit<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export class GroupCommit {
  readonly #deps: GroupCommitDeps;
  #queue: QueuedUnit[] = [];
  /** Those that may wait. */
  #patient: QueuedUnit[] = [];
  #patience: Disposable | undefined;
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(deps: GroupCommitDeps) {
    this.#deps = deps;
  }

  /** Units waiting for a group. */
  get queued(): number {
    return this.#queue.length + this.#patient.length;
  }

  submit<T>(unit: Unit<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new StoreError('STORE_CLOSED', 'the store is closed'));
    if (this.queued >= this.#deps.limits.maxQueued) {
      return Promise.reject(new StoreError('STORE_BUSY', 'too many units of work are waiting'));
    }
    return new Promise<T>((resolve, reject) => {
      const queue = unit.mayWait ? this.#patient : this.#queue;
      queue.push({ unit, resolve: resolve as (value: unknown) => void, reject });
      if (unit.mayWait) this.#armPatience();
      else this.#start();
    });
  }

  /** Refuses new units and resolves when those accepted are done. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.queued > 0) this.#start();
    await this.#running;
  }

  #start(): void {
    // Groups are of many requests: none of them is the one whose unit came first.
    this.#running ??= outsideWork(() => this.#drain());
  }

  /** In real time, whatever a test says it is: who closes waits for units that wait. */
  #armPatience(): void {
    this.#patience ??= outsideWork(() =>
      systemClock.schedule(this.#deps.limits.maxWaitMs, () => {
        this.#patience = undefined;
        this.#start();
      }),
    );
  }

  /** Never rejects: `#commitGroup` turns every failure into rejections of its units. */
  async #drain(): Promise<void> {
    do {
      // Everything that arrives in this turn of the event loop joins the group; I/O gets its turn between groups.
      await eventLoopTurn();
      await this.#commitGroup(this.#nextGroup());
    } while (this.#queue.length > 0 || (this.#closed && this.#patient.length > 0));
    this.#running = undefined;
    if (this.#patient.length > 0) this.#armPatience();
  }

  #nextGroup(): QueuedUnit[] {
    this.#patience?.[Symbol.dispose]();
    this.#patience = undefined;
    const { maxGroupSize } = this.#deps.limits;
    const patient = this.#patient.splice(0, maxGroupSize);
    return [...patient, ...this.#queue.splice(0, maxGroupSize - patient.length)];
  }

  async #commitGroup(group: readonly QueuedUnit[]): Promise<void> {
    const { transaction, clock, onGroup, onOutbox } = this.#deps;
    const startedMs = clock.nowMs();
    let outcomes: Outcome[] = [];
    let error: StoreError | undefined;
    try {
      transaction.begin();
      outcomes = await this.#runUnits(group);
      // What failed was told by nothing but what is durable, if nobody else did anything.
      if (outcomes.some(({ ok }) => ok)) transaction.commit();
      else transaction.rollback();
    } catch (cause) {
      error = asStoreError(cause);
      rollBack(transaction);
    }
    onGroup({ units: group.length, durationMs: clock.nowMs() - startedMs, error });
    let enqueued = false;
    for (const [index, { unit, resolve, reject }] of group.entries()) {
      const outcome: Outcome = error === undefined ? outcomes[index]! : { ok: false, error };
      if (outcome.ok) resolve(outcome.value);
      else reject(outcome.error);
      enqueued ||= outcome.ok && unit.enqueued;
    }
    if (enqueued) onOutbox();
  }

  /** One outcome per unit. Throws when the transaction as a whole is lost. */
  async #runUnits(group: readonly QueuedUnit[]): Promise<Outcome[]> {
    const { transaction } = this.#deps;
    const outcomes: Outcome[] = [];
    const hasNeighbours = group.length > 1;
    for (const { unit } of group) {
      if (hasNeighbours) transaction.savepoint();
      const outcome = await this.#runUnit(unit);
      // The engine's failure takes the neighbours' work with it, even if the unit caught the error.
      if (!transaction.isOpen)
        throw outcome.ok ? new Error('the engine gave up the transaction') : outcome.error;
      if (hasNeighbours) {
        if (!outcome.ok) transaction.rollbackToSavepoint();
        transaction.releaseSavepoint();
      }
      outcomes.push(outcome);
    }
    return outcomes;
  }

  /** Runs a unit to its end, or to the watchdog's. Never rejects. */
  #runUnit(unit: Unit<unknown>): Promise<Outcome> {
    const { clock, limits } = this.#deps;
    return new Promise((resolve) => {
      let watchdog: Disposable | undefined;
      // Units that await only their queries end before the event loop turns, and cost no timer.
      const turned = setImmediate(() => {
        watchdog = clock.schedule(limits.unitTimeoutMs, () => {
          const message = `a unit of work held the store for ${limits.unitTimeoutMs} ms`;
          end({ ok: false, error: new StoreError('STORE_UNIT_STALLED', message) });
        });
      });
      let isOver = false;
      const end = (outcome: Outcome): void => {
        if (isOver) return;
        isOver = true;
        clearImmediate(turned);
        watchdog?.[Symbol.dispose]();
        unit.end();
        resolve(outcome);
      };
      void settle(unit).then(end);
    });
  }
}

/** Never rejects. */
async function settle(unit: Unit<unknown>): Promise<Outcome> {
  try {
    return { ok: true, value: await unit.run() };
  } catch (error) {
    return { ok: false, error: engineError(error) ?? error };
  }
}

function rollBack(transaction: GroupTransaction): void {
  if (!transaction.isOpen) return;
  try {
    transaction.rollback();
  } catch {
    // The transaction is gone or the next BEGIN says why it is not; the units hear of the first failure.
  }
}

function asStoreError(cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause;
  return engineError(cause) ?? new StoreError('STORE_UNAVAILABLE', 'the transaction failed', { cause });
}

function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
