/**
 * The port to leases: who of many processes does what only one may do (a shard of the outbox, a job).
 *
 *   acquire ─▶ waits ─▶ held ─▶ release ────────────────▶ the next one, at once
 *                        └────▶ death, loss, a long pause ─▶ the next one, with a larger token
 *
 * A lease says who is _meant_ to act. Whoever acts on something outside of this process has it check the token or the
 * order (`PublicationFence`), since a process may be stopped between looking at the lease and acting.
 */
export interface Lease {
  readonly name: string;
  /** Larger than that of every holder of this name before. */
  readonly token: number;
  /** Aborted when the lease is no longer held, whether it was lost or released. */
  readonly lost: AbortSignal;
  /** Whether it is held at this very moment, by the monotonic clock: right after a long pause too, before `lost` can fire. */
  isHeld(): boolean;
  /** Gives it to whoever waits. Never rejects; may be called more than once. */
  release(): Promise<void>;
}

export interface LeaseRecord {
  readonly name: string;
  /** The name of the process that holds it. */
  readonly holder: string;
  readonly token: number;
  /** Until others may take it if it is not renewed; undefined if it does not expire. */
  readonly expiresInMs: number | undefined;
}

export interface Leases {
  /**
   * Waits until this process holds the lease of that name: at most one does, in all processes. Rejects with the signal's
   * reason when it is aborted, and with {@link LeaseError} `LEASES_CLOSED`.
   */
  acquire(name: string, options?: { readonly signal?: AbortSignal | undefined }): Promise<Lease>;
  /** The leases that are held now, in order of their names. Rejects with {@link LeaseError}. */
  list(): Promise<LeaseRecord[]>;
  /** Releases what is held and rejects who waits. May be called more than once; never rejects. */
  close(): Promise<void>;
}

export type LeaseErrorCode =
  /** The database that keeps the leases cannot be reached. */
  'LEASES_UNAVAILABLE' | 'LEASES_CLOSED';

export class LeaseError extends Error {
  override readonly name = 'LeaseError';
  readonly code: LeaseErrorCode;

  constructor(code: LeaseErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
