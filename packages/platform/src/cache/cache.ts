/**
 * The port to what is dear to make and may be forgotten: copies, never truth. Values are kept in memory within a bound, for a
 * time, and dropped everywhere when the truth behind them changes.
 *
 * There is no `put`: what is kept is what a load gave, and only if nothing was invalidated while it ran. A value that was read
 * before a change and put after it would be old for as long as it is kept.
 */
export interface Cache<V> {
  /** The value, if it is here. Never rejects. */
  get(key: string): Promise<V | undefined>;
  /**
   * The value, or what `load` gives, which is kept unless it is undefined or too large. Callers of one key at once share one
   * load. Rejects only with what `load` rejects with, which is not kept.
   */
  getOrLoad(key: string, load: () => Promise<V | undefined>): Promise<V | undefined>;
  /**
   * After the truth has changed: no load that began before is kept, by any process. Resolves with false when other processes
   * could not be told: they may have the old value until its time is over. Never rejects.
   */
  delete(key: string): Promise<boolean>;
}

/** How values become octets, where they leave the process. */
export interface CacheCodec<V> {
  encode(value: V): Uint8Array;
  /** Undefined for what is no value: another version of the program may have written it. */
  decode(octets: Uint8Array): V | undefined;
}

export interface CacheOptions<V> {
  /** Keeps this cache apart from others. The same in all processes. */
  readonly name: string;
  /** All values in this process together, by `sizeOf`. */
  readonly maxBytes: number;
  /** Larger ones are not kept. */
  readonly maxValueBytes: number;
  readonly ttlMs: number;
  readonly sizeOf: (value: V) => number;
}
