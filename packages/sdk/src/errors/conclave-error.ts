/** The one error class of the SDK. Callers branch on `code`, never on the message. */
import type { SdkErrorCode } from './error-codes.ts';

export interface ConclaveErrorOptions {
  readonly cause?: unknown;
  /** HTTP status, when a server answered. */
  readonly status?: number;
  /** How long the server asks to wait before the next try. */
  readonly retryAfterMs?: number;
  /** Public facts: a broken rule's id, the server's current epoch. Never secrets or decrypted content. */
  readonly details?: Readonly<Record<string, unknown>>;
}

export class ConclaveError extends Error {
  /** An SDK code, or a server's `errcode` (`M_*`, `CONCLAVE_*`) unchanged. */
  readonly code: SdkErrorCode | (string & {});
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: SdkErrorCode | (string & {}), message: string, options: ConclaveErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ConclaveError';
    this.code = code;
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
    this.details = options.details ?? {};
  }
}

/** Whether `error` is a ConclaveError, and of one of `codes` when some are given. */
export function isConclaveError(error: unknown, ...codes: string[]): error is ConclaveError {
  return error instanceof ConclaveError && (codes.length === 0 || codes.includes(error.code));
}

/** Throws `ABORTED` if the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortedError(signal);
}

export function abortedError(signal: AbortSignal): ConclaveError {
  return new ConclaveError('ABORTED', 'The operation was cancelled', { cause: signal.reason });
}
