/**
 * Centrifugo's server API: one JSON command, as its JetStream consumer reads it.
 *
 * ```
 *   {"method":"publish","payload":{"channel":"group:ID","data":{…},"idempotency_key":"…"}}
 * ```
 *
 * Never throws for what is in the bytes: a malformed command is a value with an error, so that one bad message
 * cannot stop a relay. Codes are those of the client protocol. Source: centrifugal.dev/docs/server/server_api.
 *
 * Beyond Centrifugo, `unsubscribe` takes `code` and `reason`; Centrifugo ignores them and uses 2000.
 */
import { presenceOf, presenceStatsOf } from './commands/presence.ts';
import { checkChannel } from './channel-name.ts';
import { DISCONNECT, ERROR, isDisconnect, isUnsubscribe, UNSUBSCRIBE, type ClientError } from './codes.ts';
import type { GatewayContext } from './context.ts';
import type { IdempotencyCache } from './idempotency.ts';
import { JsonPayload } from './json-payload.ts';
import type { Publication, StreamPosition } from './protocol.ts';

export type ApiResult<Result = Readonly<Record<string, unknown>>> =
  | { readonly ok: true; readonly result: Result }
  | { readonly ok: false; readonly error: ClientError };

/** The position is set where the channel's namespace keeps history. */
export type PublishResult = ApiResult<Partial<StreamPosition>>;

export interface UnsubscribeFilter {
  readonly channel?: string;
  readonly user?: string;
  readonly client?: string;
}

export interface DisconnectFilter {
  readonly user?: string;
  readonly client?: string;
  /** Client ids that stay. */
  readonly whitelist?: readonly string[];
}

export interface ServerApi {
  publish(channel: string, data: JsonPayload, options?: PublishOptions): PublishResult;
  /** Returns how many subscriptions ended. A filter without fields is refused with 0. */
  unsubscribe(
    filter: UnsubscribeFilter,
    unsubscribe: { readonly code: number; readonly reason: string },
  ): number;
  /** Returns how many connections ended. A filter without user and client is refused with 0. */
  disconnect(
    filter: DisconnectFilter,
    disconnect: { readonly code: number; readonly reason: string },
  ): number;
  execute(bytes: Uint8Array): ApiResult;
}

export interface PublishOptions {
  readonly tags?: Readonly<Record<string, string>>;
  readonly idempotencyKey?: string;
  readonly skipHistory?: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

const DONE: ApiResult = { ok: true, result: {} };

export function createServerApi(
  context: GatewayContext,
  published: IdempotencyCache<PublishResult>,
  startedAtMs: number,
): ServerApi {
  const { hub, history } = context;

  function publish(channel: string, data: JsonPayload, options: PublishOptions = {}): PublishResult {
    const key = options.idempotencyKey && `${channel}\n${options.idempotencyKey}`;
    const earlier = key ? published.get(key) : undefined;
    if (earlier) return earlier;
    const checked = checkChannel(context, channel);
    if (!checked.ok) return checked;
    if (data.byteLength > context.limits.maxPublicationBytes)
      return { ok: false, error: ERROR.limitExceeded };
    const publication: Publication = { data, ...(options.tags && { tags: options.tags }) };
    const position = hub.publish(channel, checked.namespace, publication, !options.skipHistory);
    const result = { ok: true, result: { ...position } } as const;
    if (key) published.set(key, result);
    return result;
  }

  function unsubscribe(
    { channel, user, client }: UnsubscribeFilter,
    reason: { readonly code: number; readonly reason: string },
  ): number {
    if (channel === undefined && user === undefined && client === undefined) return 0;
    const found = hub.find({
      ...(channel !== undefined && { channel }),
      ...(user !== undefined && { user }),
      ...(client !== undefined && { client }),
    });
    let count = 0;
    for (const connection of found) {
      const channels = channel === undefined ? [...connection.subscriptions.keys()] : [channel];
      for (const name of channels) if (connection.unsubscribe(name, reason)) count += 1;
    }
    return count;
  }

  function disconnect(
    { user, client, whitelist = [] }: DisconnectFilter,
    reason: { readonly code: number; readonly reason: string },
  ): number {
    if (user === undefined && client === undefined) return 0;
    const found = hub
      .find({ ...(user !== undefined && { user }), ...(client !== undefined && { client }) })
      .filter(({ clientId }) => !whitelist.includes(clientId));
    for (const connection of found) connection.disconnect(reason);
    return found.length;
  }

  function publishCommand(channel: string, payload: Fields): ApiResult {
    const data = readData(payload);
    const tags = payload['tags'] ?? undefined;
    const key = payload['idempotency_key'] ?? undefined;
    if (!data || !isOptionalString(key) || (tags !== undefined && !isStringMap(tags))) return BAD_REQUEST;
    return publish(channel, data, {
      ...(tags && { tags }),
      ...(key && { idempotencyKey: key }),
      skipHistory: payload['skip_history'] === true,
    });
  }

  const methods: Readonly<Record<string, (payload: Fields) => ApiResult>> = {
    publish: (payload) => withChannel(payload, (channel) => publishCommand(channel, payload)),

    broadcast(payload) {
      const channels = payload['channels'];
      if (!Array.isArray(channels) || !channels.every((channel) => typeof channel === 'string'))
        return BAD_REQUEST;
      const responses = channels.map((channel: string) => {
        const published = publishCommand(channel, payload);
        return published.ok ? { result: published.result } : { error: published.error };
      });
      return { ok: true, result: { responses } };
    },

    unsubscribe(payload) {
      const { channel, user, client } = payload;
      const code = payload['code'] ?? UNSUBSCRIBE.server.code;
      const reason = payload['reason'] ?? UNSUBSCRIBE.server.reason;
      if (!isOptionalString(channel) || !isOptionalString(user) || !isOptionalString(client))
        return BAD_REQUEST;
      if (!channel && !user && !client) return BAD_REQUEST;
      if (typeof code !== 'number' || typeof reason !== 'string' || !isUnsubscribe({ code }))
        return BAD_REQUEST;
      unsubscribe(
        { ...(channel && { channel }), ...(user && { user }), ...(client && { client }) },
        { code, reason },
      );
      return DONE;
    },

    disconnect(payload) {
      const { user, client } = payload;
      const whitelist = payload['whitelist'] ?? [];
      const advice = payload['disconnect'] ?? DISCONNECT.forceNoReconnect;
      if (!isOptionalString(user) || !isOptionalString(client) || (!user && !client)) return BAD_REQUEST;
      if (!Array.isArray(whitelist) || !whitelist.every((id) => typeof id === 'string')) return BAD_REQUEST;
      if (!isFields(advice)) return BAD_REQUEST;
      const { code, reason = '' } = advice;
      if (typeof code !== 'number' || typeof reason !== 'string') return BAD_REQUEST;
      if (!isDisconnect({ code, reason })) return BAD_REQUEST;
      disconnect({ ...(user && { user }), ...(client && { client }), whitelist }, { code, reason });
      return DONE;
    },

    refresh(payload) {
      const { user, client } = payload;
      const expireAt = payload['expire_at'] ?? 0;
      if (!isOptionalString(user) || !isOptionalString(client) || (!user && !client)) return BAD_REQUEST;
      if (!Number.isSafeInteger(expireAt) || (expireAt as number) < 0) return BAD_REQUEST;
      for (const connection of hub.find({ ...(user && { user }), ...(client && { client }) })) {
        const expireAtMs = (expireAt as number) * 1000;
        if (payload['expired'] === true || (expireAtMs > 0 && expireAtMs <= context.clock.nowMs())) {
          connection.disconnect(DISCONNECT.expired);
        } else {
          connection.setExpiry(expireAtMs);
        }
      }
      return DONE;
    },

    history: (payload) =>
      withChannel(payload, (channel) => {
        const limit = payload['limit'] ?? 0;
        const since = payload['since'] ?? undefined;
        if (!Number.isSafeInteger(limit) || (since !== undefined && !isPosition(since))) return BAD_REQUEST;
        if (!context.namespaceOf(channel)?.keepsHistory) return { ok: false, error: ERROR.notAvailable };
        const reverse = payload['reverse'] === true;
        const read = history.read(channel, { limit: limit as number, since, reverse });
        if (!read.ok) return { ok: false, error: ERROR.unrecoverablePosition };
        return { ok: true, result: { publications: read.publications, ...read.position } };
      }),

    history_remove: (payload) =>
      withChannel(payload, (channel) => {
        history.remove(channel);
        return DONE;
      }),

    presence: (payload) =>
      withChannel(payload, (channel) => {
        if (!context.namespaceOf(channel)?.presence) return { ok: false, error: ERROR.notAvailable };
        return { ok: true, result: { ...presenceOf(hub.channels.get(channel)) } };
      }),

    presence_stats: (payload) =>
      withChannel(payload, (channel) => {
        if (!context.namespaceOf(channel)?.presence) return { ok: false, error: ERROR.notAvailable };
        return { ok: true, result: { ...presenceStatsOf(hub.channels.get(channel)) } };
      }),

    channels() {
      const channels = [...hub.channels].map(([name, channel]) => [name, { num_clients: channel.size }]);
      return { ok: true, result: { channels: Object.fromEntries(channels) } };
    },

    info() {
      const node = {
        uid: context.nodeId,
        name: 'gateway',
        version: context.version,
        num_clients: hub.connections.size,
        num_users: hub.userCount,
        num_channels: hub.channels.size,
        num_subs: [...hub.channels.values()].reduce((sum, channel) => sum + channel.size, 0),
        uptime: Math.floor((context.clock.nowMs() - startedAtMs) / 1000),
      };
      return { ok: true, result: { nodes: [node] } };
    },
  };

  function withChannel(payload: Fields, run: (channel: string) => ApiResult): ApiResult {
    const { channel } = payload;
    if (typeof channel !== 'string') return BAD_REQUEST;
    const checked = checkChannel(context, channel);
    return checked.ok ? run(channel) : checked;
  }

  function execute(bytes: Uint8Array): ApiResult {
    let input: unknown;
    try {
      input = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
    } catch {
      return BAD_REQUEST;
    }
    if (!isFields(input) || typeof input['method'] !== 'string') return BAD_REQUEST;
    const payload = input['payload'] ?? {};
    if (!isFields(payload)) return BAD_REQUEST;
    const method = Object.hasOwn(methods, input['method']) ? methods[input['method']] : undefined;
    return method ? method(payload) : { ok: false, error: ERROR.methodNotFound };
  }

  return { publish, unsubscribe, disconnect, execute };
}

const BAD_REQUEST: ApiResult<never> = { ok: false, error: ERROR.badRequest };

function readData(payload: Fields): JsonPayload | undefined {
  const { b64data } = payload;
  if (typeof b64data === 'string' && b64data !== '') {
    return JsonPayload.fromText(Buffer.from(b64data, 'base64').toString('utf8'));
  }
  return Object.hasOwn(payload, 'data') ? JsonPayload.fromValue(payload['data']) : undefined;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isOptionalString(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string';
}

function isStringMap(value: unknown): value is Readonly<Record<string, string>> {
  return isFields(value) && Object.values(value).every((item) => typeof item === 'string');
}

function isPosition(value: unknown): value is StreamPosition {
  if (!isFields(value)) return false;
  const { offset = 0, epoch } = value;
  return Number.isSafeInteger(offset) && (offset as number) >= 0 && typeof epoch === 'string';
}
