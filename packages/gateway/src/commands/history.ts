/**
 * `history`: a page of a channel's recent publications, for its subscribers.
 */
import { checkChannel } from '../channel-name.ts';
import { ERROR } from '../codes.ts';
import type { Connection } from '../connection.ts';
import type { GatewayContext } from '../context.ts';
import type { HistoryRequest } from '../protocol.ts';

export function history(
  context: GatewayContext,
  connection: Connection,
  id: number,
  { channel, ...request }: HistoryRequest,
): void {
  const checked = checkChannel(context, channel);
  if (!checked.ok) return connection.fail(id, checked.error);
  if (!checked.namespace.keepsHistory) return connection.fail(id, ERROR.notAvailable);
  if (!connection.subscriptions.has(channel)) return connection.fail(id, ERROR.permissionDenied);
  const read = context.history.read(channel, request);
  if (!read.ok) return connection.fail(id, ERROR.unrecoverablePosition);
  connection.reply(id, { history: { publications: read.publications, ...read.position } });
}
