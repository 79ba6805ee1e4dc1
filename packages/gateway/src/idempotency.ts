/**
 * Results of commands that carried an idempotency key, so that a redelivered command is not done twice.
 *
 * The relay delivers at least once; this makes a repeated publication within the remembered time harmless.
 * Bounded by count and time. Keys leave by halves, the older one at once: a Map whose first entry is deleted again and again
 * is searched from its beginning each time, past all that was deleted.
 */
import type { Clock } from './deps.ts';

interface Entry<Result> {
  readonly result: Result;
  readonly expiresAtMs: number;
}

export class IdempotencyCache<Result> {
  readonly #clock: Clock;
  readonly #ttlMs: number;
  readonly #maxYoung: number;
  #young = new Map<string, Entry<Result>>();
  #old = new Map<string, Entry<Result>>();
  /** When the last key may have come into the older half. */
  #agedAtMs = Number.NEGATIVE_INFINITY;

  /** Remembers at least half of `maxKeys` keys, and at most all of them, for `ttlMs`. */
  constructor(clock: Clock, ttlMs: number, maxKeys: number) {
    this.#clock = clock;
    this.#ttlMs = ttlMs;
    this.#maxYoung = Math.max(1, Math.floor(maxKeys / 2));
  }

  get(key: string): Result | undefined {
    const entry = this.#young.get(key) ?? this.#old.get(key);
    return entry && entry.expiresAtMs > this.#clock.nowMs() ? entry.result : undefined;
  }

  set(key: string, result: Result): void {
    const nowMs = this.#clock.nowMs();
    if (this.#young.size >= this.#maxYoung || nowMs - this.#agedAtMs > this.#ttlMs) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#agedAtMs = nowMs;
    }
    this.#young.set(key, { result, expiresAtMs: nowMs + this.#ttlMs });
  }
}
