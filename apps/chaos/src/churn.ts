/**
 * Guests come and go in all groups while everything else goes on: invited by the owner, joined in another process, talking for
 * some seconds, removed by the owner; then they try what they kept. A step that a fault spoils is written into the owner's
 * history, and the next guest comes: what counts is what the checker finds, not that every guest gets in.
 *
 *     invite ─▶ join ─▶ talk ─▶ remove ─▶ the guest is told ─▶ it asks every server process with its old token
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Crowd, Group } from './crowd.ts';
import type { Dice } from './random.ts';

export interface ChurnOptions {
  readonly crowd: Crowd;
  readonly dice: Dice;
  /** Every server process by itself. */
  readonly servers: readonly string[];
  readonly signal: AbortSignal;
}

/** Removed clients that stay and listen, in each group; older ones are closed. */
const keptGuests = 3;
const stayMs = [3_000, 9_000] as const;

/** Resolves after the signal, once the steps that are under way have ended. */
export async function runChurn(options: ChurnOptions): Promise<void> {
  await Promise.all(options.crowd.groups.map((group, index) => churnGroup(group, index + 1, options)));
}

async function churnGroup(group: Group, number: number, options: ChurnOptions): Promise<void> {
  const { crowd, dice, signal } = options;
  const listeners: { guest: string; process: string }[] = [];
  for (let count = 1; !signal.aborted; count++) {
    const guest = `guest-${number}-${count}`;
    const host = dice.pick(crowd.others(group.owner));
    try {
      await oneGuest(group, guest, host.name, options);
      listeners.push({ guest, process: host.name });
      if (listeners.length > keptGuests) {
        const oldest = listeners.shift()!;
        await crowd.client(oldest.process).call('close', { member: oldest.guest });
      }
    } catch (error) {
      const { message } = error as Error;
      await crowd.client(group.owner).call('noteError', {
        member: group.owner,
        group: group.id,
        doing: `admitting and removing ${guest}`,
        message,
      });
    }
    await pause(dice.between(500, 1_500), signal);
  }
}

async function oneGuest(
  group: Group,
  guest: string,
  host: string,
  { crowd, dice, servers, signal }: ChurnOptions,
): Promise<void> {
  const owner = crowd.client(group.owner);
  const client = crowd.client(host);
  const asOwner = { member: group.owner, group: group.id };
  await owner.call('tidy', asOwner);
  const link = await owner.call('invite', asOwner);
  await client.call('open', { member: guest });
  await crowd.admitGuest(client, guest, group, link);
  await pause(dice.between(...stayMs), signal);
  await owner.call('remove', { ...asOwner, who: guest });
  const asGuest = { member: guest, group: group.id };
  for (let tries = 0; tries < 100 && !(await client.call('isRemoved', asGuest)); tries++) await sleep(100);
  await client.call('probe', { ...asGuest, servers });
}

/** Ends early, and without an error, at the end of the run. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
