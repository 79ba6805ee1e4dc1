/**
 * `connect`: verifies the connection token and makes the server-side subscriptions it names.
 */
import { checkChannel } from '../channel-name.ts';
import { DISCONNECT, ERROR } from '../codes.ts';
import type { Connection } from '../connection.ts';
import type { GatewayContext } from '../context.ts';
import type { ConnectRequest, RecoverRequest, SubscribeResult } from '../protocol.ts';
import { expiryFields } from './expiry.ts';
import { holdChannels } from './hold-channels.ts';
import { joinChannel } from './join-channel.ts';

const NO_RECOVERY: RecoverRequest = { recover: false, offset: 0, epoch: '' };

export async function connect(
  context: GatewayContext,
  connection: Connection,
  id: number,
  request: ConnectRequest,
): Promise<void> {
  const verified = await context.tokens.verifyConnection(request.token);
  if (connection.isClosed) return;
  if (!verified.ok) {
    if (verified.reason === 'expired') connection.fail(id, ERROR.tokenExpired);
    else connection.disconnect(DISCONNECT.invalidToken);
    return;
  }
  const { user, info, expireAtMs, channels } = verified.claims;
  if (channels.length > context.limits.maxChannelsPerConnection) {
    connection.disconnect(DISCONNECT.channelLimit);
    return;
  }
  const checked = channels.map((channel) => ({ channel, result: checkChannel(context, channel) }));
  const wrong = checked.find(({ result }) => !result.ok);
  if (wrong && !wrong.result.ok) {
    connection.fail(id, wrong.result.error);
    return;
  }

  const held = await holdChannels(context, channels);
  if (held === false) {
    // It may reconnect, to another process perhaps.
    connection.disconnect(DISCONNECT.serverError);
    return;
  }
  if (connection.isClosed) {
    for (const channel of channels) context.source?.release(channel);
    return;
  }

  connection.markConnected(user, info, expireAtMs);
  const subs: [string, SubscribeResult][] = [];
  const joins: (() => void)[] = [];
  for (const { channel, result } of checked) {
    if (!result.ok) continue;
    const recovery = request.subs.get(channel) ?? NO_RECOVERY;
    const { body, join } = joinChannel(context, connection, channel, result.namespace, {
      ...recovery,
      // The token's maker chose these channels; recovery costs them nothing where history is kept.
      recoverable: true,
      positioned: true,
      joinLeave: false,
      expireAtMs: 0,
      serverSide: true,
      info: undefined,
    });
    subs.push([channel, body]);
    joins.push(join);
  }
  const { transport } = connection;
  connection.reply(id, {
    connect: {
      client: connection.clientId,
      version: context.version,
      ...expiryFields(expireAtMs, context.clock.nowMs()),
      ...(subs.length > 0 && { subs: Object.fromEntries(subs) }),
      ping: Math.max(1, Math.round(context.timings.pingIntervalMs / 1000)),
      ...(!transport.unidirectional && { pong: true }),
      ...(transport.emulation && { session: connection.session, node: context.nodeId }),
    },
  });
  for (const join of joins) join();
}
