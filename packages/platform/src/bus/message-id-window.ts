import type { Clock } from '../clock/clock.ts';

/**
 * The message ids accepted of late: none older than `windowMs`, and of at most `maxIds` at least the half that came last. What
 * a JetStream stream calls its duplicate window.
 *
 * Ids leave by halves, the older one at once: a Map whose first entry is deleted again and again is searched from its beginning
 * each time, past all that was deleted.
 */
export class MessageIdWindow {
  readonly #clock: Clock;
  readonly #windowMs: number;
  readonly #maxYoung: number;
  #young = new Map<string, number>();
  #old = new Map<string, number>();
  /** When the last id may have come into the older half. */
  #agedAtMs = Number.NEGATIVE_INFINITY;

  constructor(deps: { clock: Clock; windowMs: number; maxIds: number }) {
    this.#clock = deps.clock;
    this.#windowMs = deps.windowMs;
    this.#maxYoung = Math.max(1, Math.floor(deps.maxIds / 2));
  }

  has(messageId: string): boolean {
    const acceptedMs = this.#young.get(messageId) ?? this.#old.get(messageId);
    return acceptedMs !== undefined && this.#clock.nowMs() - acceptedMs <= this.#windowMs;
  }

  add(messageId: string): void {
    const nowMs = this.#clock.nowMs();
    if (this.#young.size >= this.#maxYoung || nowMs - this.#agedAtMs > this.#windowMs) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#agedAtMs = nowMs;
    }
    this.#young.set(messageId, nowMs);
  }
}
