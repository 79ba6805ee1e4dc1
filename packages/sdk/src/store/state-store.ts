/**
 * The port to the local database: a small, ordered, transactional key–value store of opaque bytes. Encryption is not
 * its business: `Vault` stands above it and hands it only sealed values under blinded names.
 *
 * Invariants that every adapter keeps, and that test/state-store-contract.ts checks:
 * - `transact` is atomic and durable: when it resolves, all of it survives a crash; when it rejects, none of it is there.
 * - `list` is in ascending order of the keys' ASCII codes (descending with `reverse`).
 * - A store is open once: a second opener gets `STORE_LOCKED` until the first closes or its process dies.
 * - Returned arrays belong to the caller; given arrays are copied before the call returns.
 */

/** ASCII, at most 512 characters. */
export type StoreKey = string;

export interface StoreEntry {
  readonly key: StoreKey;
  readonly value: Uint8Array;
}

export type StoreOperation =
  | { readonly put: StoreKey; readonly value: Uint8Array }
  | { readonly delete: StoreKey };

export interface ListOptions {
  readonly prefix: string;
  /** Exclusive lower bound. */
  readonly after?: StoreKey;
  /** Exclusive upper bound. */
  readonly before?: StoreKey;
  readonly limit?: number;
  readonly reverse?: boolean;
}

export interface StateStore {
  get(key: StoreKey): Promise<Uint8Array | undefined>;
  list(options: ListOptions): Promise<StoreEntry[]>;
  /** Applies all operations, in order, or none. */
  transact(operations: readonly StoreOperation[]): Promise<void>;
  /** Waits for transactions under way, then releases the lock. Idempotent. */
  close(): Promise<void>;
}

/** The half-open key range [from, to) that `options` describe. Keys are ASCII, so '\u007f' follows them all. */
export function keyRange(options: ListOptions): { fromExclusive: string; toExclusive: string; from: string } {
  const { prefix, after, before } = options;
  const end = `${prefix}\u007f`;
  return {
    from: prefix,
    fromExclusive: after !== undefined && after >= prefix ? after : '',
    toExclusive: before !== undefined && before < end ? before : end,
  };
}
