import type { Clock } from '../clock/clock.ts';
import type { CacheOptions } from './cache.ts';

interface Copy<V> {
  readonly value: V;
  readonly bytes: number;
  readonly endsAtMs: number;
}

/** Copies in the memory of this process: the least recently used make room for the newest. */
export class LocalCopies<V> {
  readonly #clock: Clock;
  readonly #options: CacheOptions<V>;
  /** In the order of their last use: a Map remembers the order of insertion. */
  readonly #copies = new Map<string, Copy<V>>();
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
    this.delete(key);
    if (copy.endsAtMs <= this.#clock.nowMs()) return undefined;
    this.#insert(key, copy);
    return copy.value;
  }

  /** Kept unless it is too large. */
  put(key: string, value: V): void {
    const { sizeOf, maxValueBytes, maxBytes, ttlMs } = this.#options;
    const bytes = sizeOf(value);
    this.delete(key);
    if (bytes > maxValueBytes || bytes > maxBytes) return;
    this.#insert(key, { value, bytes, endsAtMs: this.#clock.nowMs() + ttlMs });
    for (const oldest of this.#copies.keys()) {
      if (this.#bytes <= maxBytes) break;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    this.#bytes -= this.#copies.get(key)?.bytes ?? 0;
    this.#copies.delete(key);
  }

  clear(): void {
    this.#copies.clear();
    this.#bytes = 0;
  }

  #insert(key: string, copy: Copy<V>): void {
    this.#copies.set(key, copy);
    this.#bytes += copy.bytes;
  }
}
