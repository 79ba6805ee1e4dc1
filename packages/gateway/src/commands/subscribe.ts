/**
 * `subscribe`: a client-side subscription, allowed by a subscription token or by its namespace.
 *
 * As in Centrifugo an invalid token is an error (103), but a valid token for another channel, user or client
 * ends the connection (3500): that is no accident of expiry but a confusion of credentials.
 */
import { checkChannel } from '../channel-name.ts';
import { DISCONNECT, ERROR } from '../codes.ts';
import type { Connection } from '../connection.ts';
import type { GatewayContext } from '../context.ts';
import type { JsonPayload } from '../json-payload.ts';
import type { ResolvedNamespace } from '../options.ts';
import type { SubscribeRequest } from '../protocol.ts';
import { holdChannels } from './hold-channels.ts';
import { joinChannel } from './join-channel.ts';

/** Answer error 112 when the position cannot be recovered, instead of subscribing with `recovered: false`. */
const FLAG_REJECT_UNRECOVERED = 2;

export function subscribe(
  context: GatewayContext,
  connection: Connection,
  id: number,
  request: SubscribeRequest,
): Promise<void> | undefined {
  const checked = checkChannel(context, request.channel);
  if (!checked.ok) {
    connection.fail(id, checked.error);
  } else if (request.type !== 0) {
    connection.fail(id, ERROR.notAvailable);
  } else if (connection.subscriptions.has(request.channel)) {
    connection.fail(id, ERROR.alreadySubscribed);
  } else if (connection.subscriptions.size >= context.limits.maxChannelsPerConnection) {
    connection.fail(id, ERROR.limitExceeded);
  } else if (request.token !== '') {
    return subscribeWithToken(context, connection, id, request, checked.namespace);
  } else if (checked.namespace.subscribeWithoutToken) {
    return hold(context, connection, id, request, checked.namespace, { expireAtMs: 0, info: undefined });
  } else {
    connection.fail(id, ERROR.permissionDenied);
  }
  return undefined;
}

async function subscribeWithToken(
  context: GatewayContext,
  connection: Connection,
  id: number,
  request: SubscribeRequest,
  namespace: ResolvedNamespace,
): Promise<void> {
  const verified = await context.tokens.verifySubscription(request.token);
  if (connection.isClosed) return;
  if (!verified.ok) {
    connection.fail(id, verified.reason === 'expired' ? ERROR.tokenExpired : ERROR.permissionDenied);
    return;
  }
  const { channel, user, client, expireAtMs, info } = verified.claims;
  if (
    channel !== request.channel ||
    user !== connection.user ||
    (client !== '' && client !== connection.clientId)
  ) {
    connection.disconnect(DISCONNECT.invalidToken);
    return;
  }
  await hold(context, connection, id, request, namespace, { expireAtMs, info });
}

type Granted = { readonly expireAtMs: number; readonly info: JsonPayload | undefined };

/** Answers in this turn unless the channel's source has to be waited for. */
function hold(
  context: GatewayContext,
  connection: Connection,
  id: number,
  request: SubscribeRequest,
  namespace: ResolvedNamespace,
  granted: Granted,
): Promise<void> | undefined {
  const holding = holdChannels(context, [request.channel]);
  if (holding) return completeWhenHeld(holding);
  complete(context, connection, id, request, namespace, granted);
  return undefined;

  async function completeWhenHeld(held: Promise<boolean>): Promise<void> {
    if (!(await held)) connection.fail(id, ERROR.internal);
    else if (connection.isClosed) context.source?.release(request.channel);
    else complete(context, connection, id, request, namespace, granted);
  }
}

function complete(
  context: GatewayContext,
  connection: Connection,
  id: number,
  request: SubscribeRequest,
  namespace: ResolvedNamespace,
  granted: Granted,
): void {
  const { body, join } = joinChannel(context, connection, request.channel, namespace, {
    ...request,
    ...granted,
    joinLeave: namespace.joinLeave && request.join_leave,
    serverSide: false,
  });
  if (body.was_recovering && !body.recovered && (request.flag & FLAG_REJECT_UNRECOVERED) !== 0) {
    context.source?.release(request.channel);
    connection.fail(id, ERROR.unrecoverablePosition);
    return;
  }
  connection.reply(id, { subscribe: body });
  join();
}
