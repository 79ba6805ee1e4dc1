/**
 * A bounded cache whose entries also leave when nobody has asked for them for a while: what is kept in memory is what is
 * in use, whatever the bound.
 */
import { RecencyMap } from '@conclave/platform';
import type { Clock } from '@conclave/platform';

interface Entry<V> {
  readonly value: V;
  readonly weight: number;
  usedAtMs: number;
}

export class IdleLru<V> {
  readonly #clock: Clock;
  readonly #maxWeight: number;
  readonly #idleMs: number;
  readonly #entries = new RecencyMap<string, Entry<V>>();
  #weight = 0;

  constructor(deps: { readonly clock: Clock; readonly maxWeight: number; readonly idleMs: number }) {
    this.#clock = deps.clock;
    this.#maxWeight = deps.maxWeight;
    this.#idleMs = deps.idleMs;
  }

  get size(): number {
    return this.#entries.size;
  }

  get weight(): number {
    return this.#weight;
  }

  /** Counts as a use. */
  get(key: string): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    entry.usedAtMs = this.#clock.nowMs();
    return entry.value;
  }

  /** Does not count as a use. */
  peek(key: string): V | undefined {
    return this.#entries.peek(key)?.value;
  }

  /** The least recently used make room; an entry heavier than the bound is kept until the next one comes. */
  put(key: string, value: V, weight: number): void {
    this.delete(key);
    this.#entries.set(key, { value, weight, usedAtMs: this.#clock.nowMs() });
    this.#weight += weight;
    while (this.#weight > this.#maxWeight && this.#entries.oldestKey !== key)
      this.delete(this.#entries.oldestKey!);
  }

  delete(key: string): void {
    this.#weight -= this.#entries.delete(key)?.weight ?? 0;
  }

  /** Lets go of what was not used for the idle time; returns how many entries that were. */
  dropIdle(): number {
    const before = this.#entries.size;
    const since = this.#clock.nowMs() - this.#idleMs;
    for (const [key, { usedAtMs }] of this.#entries) {
      if (usedAtMs > since) break;
      this.delete(key);
    }
    return before - this.#entries.size;
  }
}
