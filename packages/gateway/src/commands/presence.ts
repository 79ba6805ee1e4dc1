/**
 * `presence` and `presence_stats`: who is subscribed to a channel, for its subscribers.
 */
import { checkChannel } from '../channel-name.ts';
import type { Channel } from '../channel.ts';
import { ERROR, type ClientError } from '../codes.ts';
import type { Connection } from '../connection.ts';
import type { GatewayContext } from '../context.ts';
import type { PresenceResult, PresenceStatsResult } from '../protocol.ts';

export function presence(context: GatewayContext, connection: Connection, id: number, channel: string): void {
  const error = refusal(context, connection, channel);
  if (error) return connection.fail(id, error);
  connection.reply(id, { presence: presenceOf(context.hub.channels.get(channel)) });
}

export function presenceStats(
  context: GatewayContext,
  connection: Connection,
  id: number,
  channel: string,
): void {
  const error = refusal(context, connection, channel);
  if (error) return connection.fail(id, error);
  connection.reply(id, { presence_stats: presenceStatsOf(context.hub.channels.get(channel)) });
}

export function presenceOf(channel: Channel | undefined): PresenceResult {
  return {
    presence: Object.fromEntries([...(channel?.memberships ?? [])].map(({ info }) => [info.client, info])),
  };
}

export function presenceStatsOf(channel: Channel | undefined): PresenceStatsResult {
  const users = new Set([...(channel?.memberships ?? [])].map(({ info }) => info.user));
  return { num_clients: channel?.size ?? 0, num_users: users.size };
}

function refusal(context: GatewayContext, connection: Connection, channel: string): ClientError | undefined {
  const checked = checkChannel(context, channel);
  if (!checked.ok) return checked.error;
  if (!checked.namespace.presence) return ERROR.notAvailable;
  return connection.subscriptions.has(channel) ? undefined : ERROR.permissionDenied;
}
