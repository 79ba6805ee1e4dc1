import type { Clock } from '../clock/clock.ts';
import type { CacheOptions } from './cache.ts';
import { RecencyMap } from './recency-map.ts';

interface Copy<V> {
  readonly value: V;
  readonly bytes: number;
  readonly endsAtMs: number;
}

/** Copies in the memory of this process: the least recently used make room for the newest. */
export class LocalCopies<V> {
  readonly #clock: Clock;
  readonly #options: CacheOptions<V>;
  readonly #copies = new RecencyMap<string, Copy<V>>();
  #bytes = 0;

  constructor(clock: Clock, options: CacheOptions<V>) {
    this.#clock = clock;
    this.#options = options;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): V | undefined {
    const copy = this.#copies.get(key);
    if (copy === undefined) return undefined;
    if (copy.endsAtMs > this.#clock.nowMs()) return copy.value;
    this.delete(key);
    return undefined;
  }

  /** Kept unless it is too large. */
  put(key: string, value: V): void {
    const { sizeOf, maxValueBytes, maxBytes, ttlMs } = this.#options;
    const bytes = sizeOf(value);
    this.delete(key);
    if (bytes > maxValueBytes || bytes > maxBytes) return;
    this.#copies.set(key, { value, bytes, endsAtMs: this.#clock.nowMs() + ttlMs });
    this.#bytes += bytes;
    while (this.#bytes > maxBytes) this.delete(this.#copies.oldestKey!);
  }

  delete(key: string): void {
    this.#bytes -= this.#copies.delete(key)?.bytes ?? 0;
  }

  clear(): void {
    this.#copies.clear();
    this.#bytes = 0;
  }
}
