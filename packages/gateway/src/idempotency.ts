/**
 * Results of commands that carried an idempotency key, so that a redelivered command is not done twice.
 *
 * The relay delivers at least once; this makes a repeated publication within the remembered time harmless.
 * Bounded by count and time; the oldest key goes first.
 */
import type { Clock } from './deps.ts';

export class IdempotencyCache<Result> {
  readonly #clock: Clock;
  readonly #ttlMs: number;
  readonly #maxKeys: number;
  readonly #entries = new Map<string, { readonly result: Result; readonly expiresAtMs: number }>();

  constructor(clock: Clock, ttlMs: number, maxKeys: number) {
    this.#clock = clock;
    this.#ttlMs = ttlMs;
    this.#maxKeys = maxKeys;
  }

  get(key: string): Result | undefined {
    const entry = this.#entries.get(key);
    return entry && entry.expiresAtMs > this.#clock.nowMs() ? entry.result : undefined;
  }

  set(key: string, result: Result): void {
    const now = this.#clock.nowMs();
    this.#entries.delete(key);
    this.#entries.set(key, { result, expiresAtMs: now + this.#ttlMs });
    for (const [oldest, { expiresAtMs }] of this.#entries) {
      if (this.#entries.size <= this.#maxKeys && expiresAtMs > now) return;
      this.#entries.delete(oldest);
    }
  }
}
