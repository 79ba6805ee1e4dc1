/**
 * The whole configuration of a Centrifugo (version 6) that stands in for the embedded gateway: same tokens, namespaces,
 * transports and limits, fed by the same stream. Pure: settings and secrets in, JSON text out. What it holds is secret.
 *
 *   JetStream EVENTS ── durable centrifugo_consumer ──▶ Centrifugo ── /connection/… ──▶ clients      (external port)
 *                                                           ▲
 *                                 this server, operators ───┘ /api, /metrics, /health, /admin        (internal port)
 *
 * With Redis there may be several of them: each message is read by one, by their common consumer, and comes to all by way of Redis.
 * Two may publish what they have read of one channel in another order, which clients put right by the log. Without Redis
 * there is one.
 *
 * The stream has to exist when it starts, so a server of this installation starts first. Source:
 * centrifugal.dev/docs/server/configuration.
 */
import { DEFAULT_LIMITS, DEFAULT_PATHS, DEFAULT_TIMINGS } from '@conclave/gateway';
import type { Config } from '../config/config-schema.ts';
import { gatewayOrigins } from './start-gateway.ts';

export interface CentrifugoSecrets {
  /** The HMAC key of both kinds of tokens. */
  readonly tokenSecret: string;
  readonly apiKey: string;
  /** Of the bus: the password of the user in its URL, or the token if the URL names no user. */
  readonly busPassword: string | undefined;
  /** Of Redis: the password of the user in its URL, or of the default one. */
  readonly redisPassword: string | undefined;
  /** Given only if the admin pages are wanted. */
  readonly admin: { readonly password: string; readonly secret: string } | undefined;
}

/** Where Centrifugo listens. */
export interface CentrifugoListen {
  readonly address: string;
  readonly port: number;
  readonly internalAddress: string;
  readonly internalPort: number;
}

/** The durable consumer by which Centrifugo reads the stream. */
export const centrifugoConsumer = 'centrifugo_consumer';

export function renderCentrifugoConfig(
  config: Config,
  secrets: CentrifugoSecrets,
  listen: CentrifugoListen,
): string {
  const { gateway } = config;
  const { maxFrameBytes } = DEFAULT_LIMITS;
  const stream = { enabled: true, max_request_body_size: maxFrameBytes };
  const document = {
    http_server: {
      address: listen.address,
      port: listen.port,
      internal_address: listen.internalAddress,
      internal_port: String(listen.internalPort),
    },
    log: { level: 'info' },
    client: {
      token: { hmac_secret_key: secrets.tokenSecret },
      subscription_token: { enabled: true, hmac_secret_key: secrets.tokenSecret },
      allowed_origins: gatewayOrigins(config),
      allow_anonymous_connect_without_token: false,
      ping_interval: seconds(DEFAULT_TIMINGS.pingIntervalMs),
      pong_timeout: seconds(DEFAULT_TIMINGS.pongTimeoutMs),
      stale_close_delay: seconds(DEFAULT_TIMINGS.staleTimeoutMs),
      expired_close_delay: seconds(DEFAULT_TIMINGS.expiryGraceMs),
      expired_sub_close_delay: seconds(DEFAULT_TIMINGS.subscriptionExpiryGraceMs),
      channel_limit: DEFAULT_LIMITS.maxChannelsPerConnection,
      queue_max_size: DEFAULT_LIMITS.maxQueueBytes,
      connection_limit: config.listen.maxConnections,
      history_max_publication_limit: DEFAULT_LIMITS.maxHistoryLimit,
      recovery_max_publication_limit: DEFAULT_LIMITS.maxHistoryLimit,
    },
    channel: {
      max_length: DEFAULT_LIMITS.maxChannelLength,
      namespaces: [
        {
          name: 'group',
          history_size: gateway.historySize,
          history_ttl: seconds(gateway.historyTtlMs),
          force_recovery: true,
          // Subscribers of groups are anonymous.
          allow_history_for_subscriber: true,
          allow_history_for_anonymous: true,
        },
        { name: 'personal' },
      ],
    },
    engine: config.redis.url === null ? { type: 'memory' } : redisEngine(config.redis, secrets.redisPassword),
    consumers: [
      {
        name: centrifugoConsumer,
        enabled: true,
        type: 'nats_jetstream',
        nats_jetstream: {
          ...natsAddress(config.bus.url ?? '', secrets.busPassword),
          stream_name: config.bus.stream,
          subjects: ['events.>'],
          durable_consumer_name: centrifugoConsumer,
        },
      },
    ],
    websocket: { handler_prefix: DEFAULT_PATHS.websocket, message_size_limit: maxFrameBytes },
    http_stream: { ...stream, handler_prefix: DEFAULT_PATHS.httpStream },
    sse: { ...stream, handler_prefix: DEFAULT_PATHS.sse },
    uni_sse: { ...stream, handler_prefix: DEFAULT_PATHS.uniSse },
    // Enabled by the two transports that need it.
    emulation: { handler_prefix: DEFAULT_PATHS.emulation, max_request_body_size: maxFrameBytes },
    http_api: { key: secrets.apiKey },
    admin: secrets.admin === undefined ? { enabled: false } : { enabled: true, ...secrets.admin },
    prometheus: { enabled: true },
    health: { enabled: true },
    usage_stats: { disabled: true },
    shutdown: { timeout: seconds(config.shutdown.graceMs) },
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** The user, too, is given apart from the URL, and both only if there are any. */
function redisEngine({ url, prefix }: Config['redis'], password: string | undefined) {
  const { protocol, hostname, port, username, pathname } = new URL(url!);
  const redis = {
    address: [`${protocol}//${hostname}:${port || '6379'}${pathname === '/' ? '' : pathname}`],
    ...(username !== '' && { user: decodeURIComponent(username) }),
    ...(password !== undefined && { password }),
    prefix: `${prefix}centrifugo`,
  };
  return { type: 'redis', redis };
}

/** Centrifugo takes credentials apart from the URL, which names the user in our settings. */
function natsAddress(urls: string, password: string | undefined) {
  const users = new Set<string>();
  const bare = urls.split(',').map((text) => {
    const url = new URL(text);
    if (url.username !== '') users.add(decodeURIComponent(url.username));
    url.username = '';
    // `nats:` is no special scheme, so nothing is added to what was written.
    return url.href;
  });
  const [username] = users;
  const credentials =
    username === undefined
      ? { ...(password !== undefined && { token: password }) }
      : { username, ...(password !== undefined && { password }) };
  return { url: bare.join(','), ...credentials };
}

/** Centrifugo wants whole seconds for what is kept; nothing here is shorter than one. */
function seconds(ms: number): string {
  return `${Math.max(1, Math.ceil(ms / 1000))}s`;
}
