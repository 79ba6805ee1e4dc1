/**
 * A queue and the workers that empty it. After a batch of several frames the next one begins `windowMs` later, or when it is
 * full: frames that come within the window share a batch, and all that follows it (a unit of the store, a sync to disk). Without
 * load, and for who sends one frame after the other, a frame waits for the end of this turn of the event loop only.
 *
 * The work of a worker that died is repeated, each frame by itself: a frame over which a second worker dies is refused, and
 * its neighbours, which were in the same batch once, are not.
 */
import { outsideWork, type Clock, type Log, type Tracer } from '@conclave/platform';
import { ApiError } from '../errors/api-error.ts';
import { FairQueue } from './fair-queue.ts';
import type { QueueLimits, Share } from './fair-queue.ts';
import { ProofsUnverifiableError } from './proof-job.ts';
import type { ProofJob } from './proof-job.ts';
import type { LaneMetrics } from './proof-metrics.ts';
import { traceProofs } from './proof-spans.ts';
import type { DeathCause, ProofThread, ThreadEvents, Verdict } from './proof-thread.ts';
import { ProofWorkerSlot } from './proof-worker-slot.ts';
import type { Batch } from './proof-worker-slot.ts';

export interface LaneSettings {
  readonly name: 'express' | 'main';
  readonly workers: number;
  readonly queue: QueueLimits;
  /** What a group's turn is worth, in points. */
  readonly quantum: number;
  readonly batch: Share;
  readonly windowMs: number;
  readonly batchLimitMs: number;
}

export interface LaneDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: LaneMetrics;
  readonly tracer: Tracer;
  readonly startThread: (events: ThreadEvents) => ProofThread;
}

const maxDeaths = 2;
const minRetryMs = 100;
const maxRetryMs = 30_000;
/** Points a millisecond, until it was measured. */
const firstRate = 50;

export class ProofLane {
  readonly #settings: LaneSettings;
  readonly #deps: LaneDeps;
  readonly #waiting: FairQueue<ProofJob>;
  readonly #slots: readonly ProofWorkerSlot[];
  /** What a worker died over; it waited longest, so it goes first. */
  readonly #repeated: ProofJob[] = [];
  #underWay = 0;
  #isScheduled = false;
  /** By the clock's monotonic time. */
  #windowEndsAtMs = Number.NEGATIVE_INFINITY;
  /** Begins the next batch at the end of the window. */
  #window: Disposable | undefined;
  #isClosing = false;
  /** Of one worker, in points a millisecond: a moving average. */
  #rate = firstRate;
  #isClosed = false;
  #onEmpty: (() => void) | undefined;
  #warmth: PromiseWithResolvers<void> | undefined;

  constructor(settings: LaneSettings, deps: LaneDeps) {
    this.#settings = settings;
    this.#deps = deps;
    this.#waiting = new FairQueue(settings.queue, settings.quantum);
    const slot = () =>
      new ProofWorkerSlot({
        clock: deps.clock,
        startThread: deps.startThread,
        batchLimitMs: settings.batchLimitMs,
        onIdle: () => this.#welcome(),
        onVerdicts: (batch, verdicts) => this.#answer(batch, verdicts),
        onDeath: (cause, batch) => this.#bury(cause, batch),
      });
    this.#slots = Array.from({ length: settings.workers }, slot);
    deps.metrics.observe({
      frames: () => this.#waiting.size + this.#repeated.length,
      points: () => this.#waiting.cost,
      workers: () => this.#slots.filter(({ state }) => state === 'idle' || state === 'busy').length,
    });
  }

  /** Starts all workers, which else start when there is work for them. Rejects if one dies instead. */
  async warmUp(): Promise<void> {
    this.#warmth ??= Promise.withResolvers();
    for (const slot of this.#slots) slot.start();
    this.#welcome();
    await this.#warmth.promise;
  }

  /** Throws {@link ApiError} `CONCLAVE_OVERLOADED` when too much waits, `CONCLAVE_STOPPING` after `close`. */
  put(job: ProofJob): void {
    if (this.#isClosing) throw stoppingError();
    const full = this.#waiting.put(job);
    if (full !== undefined) {
      this.#deps.metrics.refused(full);
      const what = full === 'group' ? 'for this group' : 'on this server';
      throw new ApiError('CONCLAVE_OVERLOADED', `Too many proofs wait to be verified ${what}`, {
        retryAfterMs: this.#retryAfterMs(),
      });
    }
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // What waits by then is of many requests, and so are the workers that start for it.
    outsideWork(() =>
      setImmediate(() => {
        this.#isScheduled = false;
        this.#dispatchInWindow();
      }),
    );
  }

  /** Takes nothing more, ends what waits as far as `drainMs` allow, and ends the workers. The rest is refused. */
  async close(drainMs: number): Promise<void> {
    this.#isClosing = true;
    if (!this.#isEmpty()) {
      this.#dispatch();
      const drained = Promise.withResolvers<void>();
      this.#onEmpty = drained.resolve;
      using _limit = this.#deps.clock.schedule(drainMs, drained.resolve);
      await drained.promise;
    }
    this.#isClosed = true;
    this.#window?.[Symbol.dispose]();
    for (const job of [...this.#repeated.splice(0), ...this.#waiting.takeAll()]) job.reject(stoppingError());
    await Promise.all(this.#slots.map((slot) => slot.close()));
  }

  #welcome(): void {
    const isWarm = this.#slots.every(({ state }) => state === 'idle' || state === 'busy');
    if (isWarm) this.#warmth?.resolve();
    this.#dispatch();
  }

  /** At once if no window is open or there is a full batch, else at the end of the window. */
  #dispatchInWindow(): void {
    const restMs = this.#windowEndsAtMs - this.#deps.clock.monotonicMs();
    const isFull = this.#waiting.size >= this.#settings.batch.maxItems;
    if (restMs <= 0 || isFull || this.#repeated.length > 0) {
      this.#dispatch();
      return;
    }
    this.#window ??= this.#deps.clock.schedule(restMs, () => this.#dispatch());
  }

  #dispatch(): void {
    this.#window?.[Symbol.dispose]();
    this.#window = undefined;
    for (const slot of this.#slots) {
      if (slot.state !== 'idle') continue;
      const jobs = this.#next();
      if (jobs.length === 0) return;
      this.#underWay += jobs.length;
      this.#windowEndsAtMs =
        jobs.length > 1 ? this.#deps.clock.monotonicMs() + this.#settings.windowMs : Number.NEGATIVE_INFINITY;
      this.#deps.metrics.dispatched(jobs);
      slot.verify(jobs);
    }
    // Workers that start will take one batch each.
    let unserved = this.#waiting.size + this.#repeated.length;
    for (const slot of this.#slots) {
      if (unserved <= 0) return;
      if (slot.state === 'empty') slot.start();
      if (slot.state === 'starting') unserved -= this.#settings.batch.maxItems;
    }
  }

  #next(): readonly ProofJob[] {
    const suspect = this.#repeated.shift();
    return suspect === undefined ? this.#waiting.take(this.#settings.batch) : [suspect];
  }

  #answer(batch: Batch, verdicts: readonly Verdict[]): void {
    const { jobs, startedAtMs } = batch;
    const endedAtMs = performance.now();
    const tookMs = endedAtMs - startedAtMs;
    const cost = jobs.reduce((sum, job) => sum + job.cost, 0);
    this.#rate += (cost / Math.max(tookMs, 0.01) - this.#rate) / 8;
    this.#deps.metrics.verified(tookMs);
    this.#underWay -= jobs.length;
    // The worker first: it has its next batch while these go on here.
    this.#dispatchInWindow();
    for (const [index, job] of jobs.entries()) job.resolve(verdicts[index]);
    traceProofs(this.#deps.tracer, this.#settings.name, { jobs, startedAtMs, endedAtMs });
    this.#noteEmpty();
  }

  #bury(cause: DeathCause, batch: Batch | undefined): void {
    const { log, metrics } = this.#deps;
    const jobs = batch?.jobs ?? [];
    this.#underWay -= jobs.length;
    if (this.#isClosed) {
      for (const job of jobs) job.reject(stoppingError());
      return;
    }
    metrics.died();
    this.#warmth?.reject(new Error('a proof worker died before all had started', { cause: cause.err }));
    const refused: ProofJob[] = [];
    for (const job of jobs) {
      job.deaths++;
      (job.deaths < maxDeaths ? this.#repeated : refused).push(job);
    }
    const { name: lane } = this.#settings;
    const counts = { frames: jobs.length, refused: refused.length };
    log.error({ lane, ...cause, ...counts }, 'a proof worker died and is replaced');
    for (const job of refused) {
      metrics.refused('deadly');
      job.reject(new ProofsUnverifiableError(cause.err === undefined ? {} : { cause: cause.err }));
    }
    this.#dispatch();
    this.#noteEmpty();
  }

  /** When all that waits now will be done. */
  #retryAfterMs(): number {
    const doneInMs = this.#waiting.cost / (this.#rate * this.#settings.workers);
    return Math.ceil(Math.min(Math.max(doneInMs, minRetryMs), maxRetryMs));
  }

  #isEmpty(): boolean {
    return this.#underWay + this.#waiting.size + this.#repeated.length === 0;
  }

  #noteEmpty(): void {
    if (this.#isEmpty()) this.#onEmpty?.();
  }
}

function stoppingError(): ApiError {
  return new ApiError('CONCLAVE_STOPPING', 'The server is stopping', { retryAfterMs: 5_000 });
}
