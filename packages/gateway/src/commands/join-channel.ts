/**
 * The common part of client-side and server-side subscriptions: position, recovery and membership.
 *
 * The history is read, the reply is queued and the channel is joined in one turn:
 *
 * ```
 *   joinChannel ─▶ body (recovered publications) ─▶ reply queued ─▶ join() ─▶ later publications
 * ```
 *
 * Nothing can be published in between, so the client misses nothing and gets nothing twice.
 */
import type { Connection } from '../connection.ts';
import type { GatewayContext } from '../context.ts';
import type { JsonPayload } from '../json-payload.ts';
import type { ResolvedNamespace } from '../options.ts';
import type { RecoverRequest, SubscribeResult } from '../protocol.ts';
import { expiryFields } from './expiry.ts';

export interface JoinRequest extends RecoverRequest {
  readonly recoverable: boolean;
  readonly positioned: boolean;
  readonly joinLeave: boolean;
  readonly expireAtMs: number;
  readonly serverSide: boolean;
  readonly info: JsonPayload | undefined;
}

export interface PreparedJoin {
  readonly body: SubscribeResult;
  /** To be called after the reply was queued, in the same turn. */
  readonly join: () => void;
}

export function joinChannel(
  context: GatewayContext,
  connection: Connection,
  channel: string,
  namespace: ResolvedNamespace,
  request: JoinRequest,
): PreparedJoin {
  return {
    body: {
      ...expiryFields(request.expireAtMs, context.clock.nowMs()),
      ...(namespace.keepsHistory && streamFields(context, connection, channel, namespace, request)),
    },
    join: () => {
      connection.addSubscription(
        channel,
        { expireAtMs: request.expireAtMs, serverSide: request.serverSide },
        { info: connection.clientInfo(request.info), wantsJoinLeave: request.joinLeave },
      );
    },
  };
}

function streamFields(
  context: GatewayContext,
  connection: Connection,
  channel: string,
  namespace: ResolvedNamespace,
  request: JoinRequest,
): SubscribeResult {
  const recoverable = request.recoverable || request.recover || namespace.forceRecovery;
  if (!recoverable && !request.positioned) return {};
  // What other subscribers are still to be sent is in the history already; they get it before this one joins.
  const base: SubscribeResult = { positioned: true, ...(recoverable && { recoverable: true as const }) };
  if (!request.recover) return { ...base, ...context.history.position(channel) };
  // A client that returns to many channels at once must not become slow by what it recovers: it would be
  // disconnected, return, and ask for the same again. It is told that recovery failed, and fetches instead.
  const room = context.limits.maxQueueBytes / 2 - connection.waitingBytes;
  const { recovered, publications, position } = context.history.recover(channel, request, room);
  return { ...base, ...position, publications, was_recovering: true, ...(recovered && { recovered: true }) };
}
