/**
 * `sub_refresh`: a new subscription token for a channel the client is subscribed to.
 *
 * An expired token ends the subscription with code 2501: the client then subscribes again, with a new token.
 */
import { DISCONNECT, ERROR, UNSUBSCRIBE } from '../codes.ts';
import type { Connection } from '../connection.ts';
import type { GatewayContext } from '../context.ts';
import { expiryFields } from './expiry.ts';

export async function subRefresh(
  context: GatewayContext,
  connection: Connection,
  id: number,
  request: { readonly channel: string; readonly token: string },
): Promise<void> {
  const verified = await context.tokens.verifySubscription(request.token);
  if (connection.isClosed) return;
  const subscription = connection.subscriptions.get(request.channel);
  if (!subscription || subscription.serverSide) {
    connection.fail(id, ERROR.permissionDenied);
    return;
  }
  if (!verified.ok) {
    if (verified.reason === 'invalid') {
      connection.disconnect(DISCONNECT.invalidToken);
      return;
    }
    connection.unsubscribe(request.channel, UNSUBSCRIBE.expired);
    connection.fail(id, ERROR.expired);
    return;
  }
  const { channel, user, client, expireAtMs } = verified.claims;
  if (
    channel !== request.channel ||
    user !== connection.user ||
    (client !== '' && client !== connection.clientId)
  ) {
    connection.disconnect(DISCONNECT.invalidToken);
    return;
  }
  connection.setSubscriptionExpiry(subscription, expireAtMs);
  connection.reply(id, { sub_refresh: expiryFields(expireAtMs, context.clock.nowMs()) });
}
