/** Drawing on a rate limit, or the answer M_LIMIT_EXCEEDED. */
import type { RateLimiter, RateVerdict } from '@conclave/platform';
import { ApiError } from '../errors/api-error.ts';

/** Draws one from the bucket of `key`; throws {@link ApiError} `M_LIMIT_EXCEEDED`. */
export async function takeOrRefuse(limiter: RateLimiter, key: string): Promise<void> {
  const error = refusalOf(await limiter.take(key));
  if (error !== undefined) throw error;
}

/**
 * The same for callers that cannot wait: `goOn`, or `refuse` with the error; at once if the limiter answers at once. What
 * `goOn` throws then is the caller's; later it goes to `refuse`.
 */
export function takeThen(
  limiter: RateLimiter,
  key: string,
  refuse: (error: Error) => void,
  goOn: () => void,
): void {
  const decide = (verdict: RateVerdict): void => {
    const error = refusalOf(verdict);
    if (error === undefined) goOn();
    else refuse(error);
  };
  const verdict = limiter.take(key);
  if (verdict instanceof Promise) verdict.then(decide).catch(refuse);
  else decide(verdict);
}

function refusalOf(verdict: RateVerdict): ApiError | undefined {
  if (verdict.ok) return undefined;
  return new ApiError('M_LIMIT_EXCEEDED', 'Too many requests', { retryAfterMs: verdict.retryAfterMs });
}
