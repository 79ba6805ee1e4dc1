/**
 * Gives each command to its handler.
 *
 * A handler answers through the connection. It returns a promise only when it has to wait (for a token's
 * verification); after waiting it checks that the connection is still open.
 */
import { DISCONNECT, ERROR } from '../codes.ts';
import type { Connection } from '../connection.ts';
import type { GatewayContext } from '../context.ts';
import type { Command } from '../protocol.ts';
import { connect } from './connect.ts';
import { history } from './history.ts';
import { presence, presenceStats } from './presence.ts';
import { refresh } from './refresh.ts';
import { subRefresh } from './sub-refresh.ts';
import { subscribe } from './subscribe.ts';

export function handleCommand(
  context: GatewayContext,
  connection: Connection,
  command: Command,
): Promise<void> | undefined {
  if (connection.isClosed) return undefined;
  // Connect comes first, and once.
  if ((command.method === 'connect') === connection.isConnected) {
    connection.disconnect(DISCONNECT.badRequest);
    return undefined;
  }
  const { id } = command;
  switch (command.method) {
    case 'connect':
      return connect(context, connection, id, command.request);
    case 'subscribe':
      return subscribe(context, connection, id, command.request);
    case 'unsubscribe':
      connection.removeSubscription(command.request.channel);
      connection.reply(id, { unsubscribe: {} });
      break;
    case 'history':
      history(context, connection, id, command.request);
      break;
    case 'presence':
      presence(context, connection, id, command.request.channel);
      break;
    case 'presence_stats':
      presenceStats(context, connection, id, command.request.channel);
      break;
    case 'refresh':
      return refresh(context, connection, id, command.request.token);
    case 'sub_refresh':
      return subRefresh(context, connection, id, command.request);
    case 'ping':
      connection.reply(id, { ping: {} });
      break;
    case 'publish':
    case 'rpc':
      // Clients publish through the delivery service, which verifies; never past it.
      connection.fail(id, ERROR.permissionDenied);
      break;
    case 'send':
      connection.disconnect(DISCONNECT.notAvailable);
      break;
    case 'pong':
      break;
  }
  return undefined;
}
