import type { Clock } from '../clock/clock.ts';

/**
 * The message ids accepted of late: at most `maxIds`, none older than `windowMs`. What a JetStream stream calls
 * its duplicate window.
 */
export class MessageIdWindow {
  readonly #clock: Clock;
  readonly #windowMs: number;
  readonly #maxIds: number;
  /** In order of insertion, hence of time. */
  readonly #acceptedMsById = new Map<string, number>();

  constructor(deps: { clock: Clock; windowMs: number; maxIds: number }) {
    this.#clock = deps.clock;
    this.#windowMs = deps.windowMs;
    this.#maxIds = deps.maxIds;
  }

  has(messageId: string): boolean {
    this.#evict();
    return this.#acceptedMsById.has(messageId);
  }

  add(messageId: string): void {
    this.#acceptedMsById.set(messageId, this.#clock.nowMs());
    this.#evict();
  }

  #evict(): void {
    const oldestMs = this.#clock.nowMs() - this.#windowMs;
    for (const [messageId, acceptedMs] of this.#acceptedMsById) {
      if (acceptedMs >= oldestMs && this.#acceptedMsById.size <= this.#maxIds) return;
      this.#acceptedMsById.delete(messageId);
    }
  }
}
