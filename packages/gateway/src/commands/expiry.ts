/**
 * How an expiry is told to a client: whether there is one, and in how many seconds.
 */
export function expiryFields(expireAtMs: number, nowMs: number): { expires?: true; ttl?: number } {
  if (expireAtMs === 0) return {};
  return { expires: true, ttl: Math.max(1, Math.ceil((expireAtMs - nowMs) / 1000)) };
}
