/**
 * The one exception that a route throws to answer with an error; only the HTTP layer catches it
 * (../http/answer-error.ts). Its fields are the answer's: never put a secret into them.
 */
import type { ErrorCode } from './error-registry.ts';

export interface ApiErrorOptions {
  /** When the code is answered with several statuses and this is not the usual one. */
  readonly status?: number;
  /** Sets `retry_after_ms` and the Retry-After header. */
  readonly retryAfterMs?: number;
  /** Further fields of the answer's body. */
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ErrorCode;
  readonly options: ApiErrorOptions;

  constructor(code: ErrorCode, message: string, options: ApiErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.options = options;
  }
}
