/**
 * A map in the order of last use, for what is bounded by letting the least recently used go.
 *
 *   oldest ⇄ … ⇄ newest      a linked list through the entries; the Map only finds them by key
 *
 * Not by the order of insertion of a Map alone, as is usual (delete and set again at each use, first key for the oldest): V8 keeps
 * deleted entries in place until it has no room, so that finding the first key of a full map again and again walks past all
 * that were deleted; and it makes a table anew whenever a small map shrinks, where each old table points to its
 * successor, so that one old table in the old generation keeps all later ones, and what was in them, from being collected young.
 */
interface Entry<K, V> {
  readonly key: K;
  value: V;
  older: Entry<K, V> | undefined;
  newer: Entry<K, V> | undefined;
}

export class RecencyMap<K, V> {
  readonly #entryByKey = new Map<K, Entry<K, V>>();
  #oldest: Entry<K, V> | undefined;
  #newest: Entry<K, V> | undefined;

  get size(): number {
    return this.#entryByKey.size;
  }

  /** The key that was not used for longest. */
  get oldestKey(): K | undefined {
    return this.#oldest?.key;
  }

  /** Counts as a use. */
  get(key: K): V | undefined {
    const entry = this.#entryByKey.get(key);
    if (entry === undefined) return undefined;
    if (entry !== this.#newest) {
      this.#unlink(entry);
      this.#append(entry);
    }
    return entry.value;
  }

  /** Does not count as a use. */
  peek(key: K): V | undefined {
    return this.#entryByKey.get(key)?.value;
  }

  /** Counts as a use. */
  set(key: K, value: V): void {
    const entry = this.#entryByKey.get(key);
    if (entry === undefined) {
      const added: Entry<K, V> = { key, value, older: undefined, newer: undefined };
      this.#entryByKey.set(key, added);
      this.#append(added);
      return;
    }
    entry.value = value;
    if (entry === this.#newest) return;
    this.#unlink(entry);
    this.#append(entry);
  }

  /** What stood there. */
  delete(key: K): V | undefined {
    const entry = this.#entryByKey.get(key);
    if (entry === undefined) return undefined;
    this.#entryByKey.delete(key);
    this.#unlink(entry);
    return entry.value;
  }

  clear(): void {
    this.#entryByKey.clear();
    this.#oldest = undefined;
    this.#newest = undefined;
  }

  /** The least recently used first. The entry at hand may be deleted meanwhile, others not. */
  *[Symbol.iterator](): IterableIterator<[K, V]> {
    for (let entry = this.#oldest; entry !== undefined;) {
      const { newer } = entry;
      yield [entry.key, entry.value];
      entry = newer;
    }
  }

  /** Leaves no link in the entry: one that lies dead in the old generation would keep its neighbours there. */
  #unlink(entry: Entry<K, V>): void {
    if (entry.older === undefined) this.#oldest = entry.newer;
    else entry.older.newer = entry.newer;
    if (entry.newer === undefined) this.#newest = entry.older;
    else entry.newer.older = entry.older;
    entry.older = undefined;
    entry.newer = undefined;
  }

  #append(entry: Entry<K, V>): void {
    entry.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
  }
}
