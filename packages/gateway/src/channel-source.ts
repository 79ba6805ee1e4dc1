/**
 * Where a channel's publications come from, when the gateway is one of several processes: it is told of a channel only
 * while somebody here listens to it.
 *
 * ```
 *   subscribe ─▶ hold ──resolved: from now on everything arrives──▶ answered, joined ── … ──▶ left ─▶ release
 * ```
 *
 * Every subscription holds its channel once, from before it is answered until it has ended. With a source the gateway
 * keeps the history of no other channel, and what it keeps is not all that there ever was: a position counts only in
 * the epoch that this gateway gave out.
 */
export interface ChannelSource {
  /**
   * Resolves when whatever is published from now on reaches the gateway; `undefined`: it does already. When it rejects,
   * nothing is held, and the client is told to try again.
   */
  hold(channel: string): Promise<void> | undefined;
  /** Once for each `hold` that did not reject. */
  release(channel: string): void;
}
