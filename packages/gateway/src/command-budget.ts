/**
 * How many commands a client may send: a bucket that holds `burst` and fills with `ratePerSecond`.
 */
import type { Clock } from './deps.ts';

export class CommandBudget {
  readonly #clock: Clock;
  readonly #ratePerSecond: number;
  readonly #burst: number;
  #tokens: number;
  #filledAtMs: number;
  #refused = 0;

  constructor(clock: Clock, ratePerSecond: number, burst: number) {
    this.#clock = clock;
    this.#ratePerSecond = ratePerSecond;
    this.#burst = burst;
    this.#tokens = burst;
    this.#filledAtMs = clock.nowMs();
  }

  take(): boolean {
    const now = this.#clock.nowMs();
    const filled = ((now - this.#filledAtMs) / 1000) * this.#ratePerSecond;
    this.#tokens = Math.min(this.#burst, this.#tokens + Math.max(0, filled));
    this.#filledAtMs = now;
    if (this.#tokens < 1) {
      this.#refused += 1;
      return false;
    }
    this.#tokens -= 1;
    this.#refused = 0;
    return true;
  }

  /** A whole burst was refused without a pause: this client does not listen to errors. */
  get isAbused(): boolean {
    return this.#refused > this.#burst;
  }
}
