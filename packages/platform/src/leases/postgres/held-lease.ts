/** One lease that this process holds, until its deadline by the monotonic clock, which renewals move. */
import type { Clock } from '../../clock/clock.ts';
import type { Lease } from '../leases.ts';

export interface HeldLeaseDeps {
  readonly name: string;
  readonly token: number;
  readonly deadlineMs: number;
  readonly clock: Clock;
  /** Called once when it is over, for whatever reason. */
  readonly onOver: (lease: HeldLease) => void;
  /** Tells the database. Called once, after `onOver`, if the holder gives it back. */
  readonly giveBack: (lease: HeldLease) => Promise<void>;
}

export class HeldLease implements Lease {
  readonly name: string;
  readonly token: number;
  readonly #deps: HeldLeaseDeps;
  readonly #over = new AbortController();
  #deadlineMs: number;
  #timer: Disposable | undefined;

  constructor(deps: HeldLeaseDeps) {
    this.name = deps.name;
    this.token = deps.token;
    this.#deps = deps;
    this.#deadlineMs = deps.deadlineMs;
    this.#arm();
  }

  get lost(): AbortSignal {
    return this.#over.signal;
  }

  isHeld(): boolean {
    return !this.#over.signal.aborted && this.#deps.clock.monotonicMs() < this.#deadlineMs;
  }

  renewed(deadlineMs: number): void {
    // Over is over, even if the database did not notice.
    if (this.isHeld()) this.#deadlineMs = deadlineMs;
  }

  lose(): void {
    if (this.#over.signal.aborted) return;
    this.#timer?.[Symbol.dispose]();
    this.#deps.onOver(this);
    this.#over.abort();
  }

  async release(): Promise<void> {
    if (this.#over.signal.aborted) return;
    this.lose();
    await this.#deps.giveBack(this);
  }

  #arm(): void {
    const { clock } = this.#deps;
    this.#timer = clock.schedule(Math.max(0, this.#deadlineMs - clock.monotonicMs()), () => {
      if (this.isHeld()) this.#arm();
      else this.lose();
    });
  }
}
