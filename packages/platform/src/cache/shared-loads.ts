/** Loads under way: one for each key, and whether what it brings may still be kept. */
export class SharedLoads<V> {
  readonly #loads = new Map<string, { readonly value: Promise<V | undefined>; isCurrent: boolean }>();

  /** Joins the load under way, or begins one. `load` asks before it keeps what it has got. */
  async join(key: string, load: (mayKeep: () => boolean) => Promise<V | undefined>): Promise<V | undefined> {
    const known = this.#loads.get(key);
    if (known !== undefined) return await known.value;
    const begun = Promise.withResolvers<V | undefined>();
    const entry = { value: begun.promise, isCurrent: true };
    this.#loads.set(key, entry);
    try {
      begun.resolve(load(() => entry.isCurrent));
      return await begun.promise;
    } finally {
      if (this.#loads.get(key) === entry) this.#loads.delete(key);
    }
  }

  /** What is under way for the key was begun too early: nobody joins it any more, and it is not kept. */
  invalidate(key: string): void {
    const known = this.#loads.get(key);
    if (known !== undefined) known.isCurrent = false;
    this.#loads.delete(key);
  }

  invalidateAll(): void {
    for (const key of this.#loads.keys()) this.invalidate(key);
  }
}
