export type RedisErrorCode =
  /** Redis is not reached, did not answer in time, or cannot serve now (it is loading, full, read-only …). */
  | 'REDIS_UNAVAILABLE'
  /** Redis answered this one command with an error. */
  | 'REDIS_REFUSED';

export class RedisError extends Error {
  override readonly name = 'RedisError';
  readonly code: RedisErrorCode;

  constructor(code: RedisErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
