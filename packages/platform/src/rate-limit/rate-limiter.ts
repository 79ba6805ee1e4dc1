/** The port to rate limits. Keys are chosen by the caller and name both who is limited and what: `login:ADDRESS`. */
export interface RateLimiter {
  /**
   * Takes `cost` (default 1) from the key's allowance. Refused without taking anything when there is too little;
   * `retryAfterMs` then is how long until there would be enough, if nobody else takes any.
   * `cost` above the burst can never be taken: `retryAfterMs` is `Infinity`.
   *
   * Answers at once where the allowances are in this process: every request asks, and most ask twice.
   */
  take(key: string, cost?: number): RateVerdict | Promise<RateVerdict>;
}

export type RateVerdict = { readonly ok: true } | { readonly ok: false; readonly retryAfterMs: number };
