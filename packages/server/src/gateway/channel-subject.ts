/**
 * Which subject of the bus brings what is said on a channel. All channels of a group share one: each removal begins another
 * channel, and what ends the old one is said on the same subject, in order.
 *
 *   group:ID.EPOCH   ◀──   events.group.ID
 */
const groupChannel = /^group:([A-Za-z0-9_-]+)\.\d+$/;

/** `undefined`: nothing is ever said on this channel. */
export function subjectOfChannel(channel: string): string | undefined {
  const id = groupChannel.exec(channel)?.[1];
  return id === undefined ? undefined : `events.group.${id}`;
}
