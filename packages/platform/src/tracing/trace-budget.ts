/**
 * How many traces callers may ask for: anybody can write a header that says "sampled". A bucket of `burst` tokens, refilled at
 * `perSecond`; beyond it their requests are sampled like everybody's.
 */
export interface TraceBudget {
  /** @param nowMs monotonic. */
  take(nowMs: number): boolean;
}

export function createTraceBudget(options: {
  readonly burst: number;
  readonly perSecond: number;
}): TraceBudget {
  let tokens = options.burst;
  let lastMs: number | undefined;
  return {
    take(nowMs) {
      const passedMs = Math.max(0, nowMs - (lastMs ?? nowMs));
      lastMs = nowMs;
      tokens = Math.min(options.burst, tokens + (passedMs / 1_000) * options.perSecond);
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}
