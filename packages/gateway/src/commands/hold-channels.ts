/**
 * Makes sure that publications of channels reach this gateway before a client is told that it is subscribed to them.
 */
import type { GatewayContext } from '../context.ts';

/**
 * `undefined`: they do, and waiting is needed for none. Otherwise resolves with whether they do; with `false` nothing is
 * held. After waiting the caller joins each channel or releases it.
 */
export function holdChannels(
  { source, log }: GatewayContext,
  channels: readonly string[],
): Promise<boolean> | undefined {
  if (!source) return undefined;
  const waits = channels.map((channel) => source.hold(channel));
  if (waits.every((wait) => wait === undefined)) return undefined;
  return settle(waits);

  async function settle(pending: readonly (Promise<void> | undefined)[]): Promise<boolean> {
    const outcomes = await Promise.allSettled(pending.map(async (wait) => await wait));
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (!failed) return true;
    for (const [index, { status }] of outcomes.entries()) {
      if (status === 'fulfilled') source?.release(channels[index]!);
    }
    log?.warn({ err: failed.reason as unknown }, 'a channel cannot be followed');
    return false;
  }
}
