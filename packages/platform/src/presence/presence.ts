/**
 * The port to who is there now: the processes of an installation, later people and their devices. What is announced is
 * forgotten by itself when nobody announces it again; nothing here is truth, and all of it may be lost at any moment.
 */
export interface Presence {
  /**
   * Says that `id` is there for the next `ttlMs`, whatever was said before. `data` is handed on as it is.
   * Rejects with {@link PresenceError}.
   */
  announce(kind: string, id: string, data: string, ttlMs: number): Promise<void>;
  /** Those who are there, at most {@link maxListed} of them, in order of their ids. Rejects with {@link PresenceError}. */
  list(kind: string): Promise<readonly Present[]>;
  /** Says that `id` is gone. Rejects with {@link PresenceError}; whoever cannot say so is forgotten in time. */
  leave(kind: string, id: string): Promise<void>;
}

export interface Present {
  readonly id: string;
  readonly data: string;
  /** How long it counts as there unless it announces itself again. */
  readonly expiresInMs: number;
}

export const maxPresent = 10_000;
export const maxListed = 1_000;
export const maxPresenceDataLength = 4_096;
const maxTtlMs = 24 * 60 * 60 * 1000;

export type PresenceErrorCode =
  /** Nobody can say who is there: the shared memory does not answer. */
  | 'PRESENCE_UNAVAILABLE'
  /** {@link maxPresent} of this kind are there already. */
  | 'PRESENCE_FULL'
  /** Kind, id, data or time are out of bounds. */
  | 'PRESENCE_INVALID';

export class PresenceError extends Error {
  override readonly name = 'PresenceError';
  readonly code: PresenceErrorCode;

  constructor(code: PresenceErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Throws {@link PresenceError} `PRESENCE_INVALID`. Kinds are the program's own words; ids may come from anywhere. */
export function assertKind(kind: string): void {
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(kind)) throw invalid('the kind is not a short lower-case name');
}

/** The same for what is announced. */
export function assertAnnouncement(kind: string, id: string, data: string, ttlMs: number): void {
  assertKind(kind);
  if (id.length < 1 || id.length > 256) throw invalid('an id has 1 to 256 characters');
  if (data.length > maxPresenceDataLength)
    throw invalid(`data has at most ${maxPresenceDataLength} characters`);
  if (!Number.isSafeInteger(ttlMs) || ttlMs < 1 || ttlMs > maxTtlMs)
    throw invalid('the time is not within a day');
}

function invalid(message: string): PresenceError {
  return new PresenceError('PRESENCE_INVALID', message);
}
