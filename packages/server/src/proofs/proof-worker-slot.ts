/**
 * The place of one worker in its lane: there is a thread in it, or one will be as soon as there should. A thread that dies
 * is replaced at once; when threads die without having done anything, later and later.
 *
 *   empty ─start─▶ starting ─ready─▶ idle ◀─verdicts─ busy
 *     ▲                │               │              │
 *     └── rest ◀───────┴───── death ───┴──────────────┘
 */
import type { Clock } from '@conclave/platform';
import type { ProofJob } from './proof-job.ts';
import type { DeathCause, ProofThread, ThreadEvents, Verdict } from './proof-thread.ts';

export interface SlotDeps {
  readonly clock: Clock;
  readonly startThread: (events: ThreadEvents) => ProofThread;
  /** A batch that takes longer is taken for one that never ends. */
  readonly batchLimitMs: number;
  readonly onIdle: () => void;
  readonly onVerdicts: (batch: Batch, verdicts: readonly Verdict[]) => void;
  /** `batch`: what it was working on. */
  readonly onDeath: (cause: DeathCause, batch: Batch | undefined) => void;
}

export interface Batch {
  readonly jobs: readonly ProofJob[];
  /** By `performance.now()`. */
  readonly startedAtMs: number;
}

export type SlotState = 'empty' | 'starting' | 'idle' | 'busy' | 'resting' | 'closed';

/** The same for a start, which takes a fraction of a second. */
const startLimitMs = 30_000;
const firstRestMs = 100;
const maxRestMs = 10_000;

export class ProofWorkerSlot {
  readonly #deps: SlotDeps;
  #state: SlotState = 'empty';
  #thread: ProofThread | undefined;
  #batch: Batch | undefined;
  #timer: Disposable | undefined;
  /** Threads that died one after another without an answer between them. */
  #vainDeaths = 0;

  constructor(deps: SlotDeps) {
    this.#deps = deps;
  }

  get state(): SlotState {
    return this.#state;
  }

  start(): void {
    if (this.#state !== 'empty') return;
    this.#state = 'starting';
    this.#limitTime(startLimitMs);
    this.#thread = this.#deps.startThread({
      onReady: () => {
        this.#timer?.[Symbol.dispose]();
        if (this.#state === 'starting') this.#state = 'idle';
        this.#deps.onIdle();
      },
      onVerdicts: (verdicts) => this.#answer(verdicts),
      onDeath: (cause) => this.#bury(cause),
    });
  }

  /** Only when idle. */
  verify(jobs: readonly ProofJob[]): void {
    this.#state = 'busy';
    this.#batch = { jobs, startedAtMs: performance.now() };
    this.#limitTime(this.#deps.batchLimitMs);
    this.#thread!.verify(jobs.map(({ claims }) => claims));
  }

  /** For good. What it was working on goes to `onDeath`. */
  async close(): Promise<void> {
    const isAlive = !['empty', 'resting', 'closed'].includes(this.#state);
    this.#state = 'closed';
    this.#timer?.[Symbol.dispose]();
    if (isAlive) await this.#thread?.end('closing');
  }

  #limitTime(limitMs: number): void {
    this.#timer = this.#deps.clock.schedule(limitMs, () => void this.#thread?.end('took too long'));
  }

  #answer(verdicts: readonly Verdict[]): void {
    const batch = this.#takeBatch()!;
    this.#vainDeaths = 0;
    if (this.#state === 'busy') this.#state = 'idle';
    this.#deps.onVerdicts(batch, verdicts);
  }

  #bury(cause: DeathCause): void {
    const batch = this.#takeBatch();
    this.#thread = undefined;
    if (this.#state !== 'closed') {
      this.#vainDeaths++;
      this.#state = 'resting';
      const restMs =
        this.#vainDeaths <= 2 ? 0 : Math.min(firstRestMs * 2 ** (this.#vainDeaths - 3), maxRestMs);
      this.#timer = this.#deps.clock.schedule(restMs, () => {
        this.#state = 'empty';
        this.start();
      });
    }
    this.#deps.onDeath(cause, batch);
  }

  #takeBatch(): Batch | undefined {
    const batch = this.#batch;
    this.#batch = undefined;
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    return batch;
  }
}
