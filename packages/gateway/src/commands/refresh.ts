/**
 * `refresh`: a new connection token for the same user, before the old one's expiry.
 */
import { DISCONNECT } from '../codes.ts';
import type { Connection } from '../connection.ts';
import type { GatewayContext } from '../context.ts';
import { expiryFields } from './expiry.ts';

export async function refresh(
  context: GatewayContext,
  connection: Connection,
  id: number,
  token: string,
): Promise<void> {
  const verified = await context.tokens.verifyConnection(token);
  if (connection.isClosed) return;
  if (!verified.ok) {
    connection.disconnect(verified.reason === 'expired' ? DISCONNECT.expired : DISCONNECT.invalidToken);
    return;
  }
  const { user, expireAtMs } = verified.claims;
  if (user !== connection.user) {
    connection.disconnect(DISCONNECT.invalidToken);
    return;
  }
  connection.setExpiry(expireAtMs);
  connection.reply(id, {
    refresh: {
      client: connection.clientId,
      version: context.version,
      ...expiryFields(expireAtMs, context.clock.nowMs()),
    },
  });
}
