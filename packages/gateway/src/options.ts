/**
 * The gateway's settings and their defaults. Durations are milliseconds, sizes are bytes.
 */
import type { KeyObject } from 'node:crypto';

/** What is allowed on channels named `<namespace>:<rest>`. The namespace '' holds names without a colon. */
export interface NamespaceOptions {
  /** Publications kept per channel; 0 (default) keeps none and makes recovery unavailable. */
  readonly historySize?: number;
  /** How long a publication is kept. Default 0: none. */
  readonly historyTtlMs?: number;
  /** Subscriptions are recoverable even when the client did not ask. Default false. */
  readonly forceRecovery?: boolean;
  /** Subscribers may ask who else is subscribed. Default false. */
  readonly presence?: boolean;
  /** Subscribers who ask for it hear of others joining and leaving. Default false. */
  readonly joinLeave?: boolean;
  /** Anyone who is connected may subscribe without a subscription token. Default false. */
  readonly subscribeWithoutToken?: boolean;
}

export interface GatewayTimings {
  readonly pingIntervalMs: number;
  /** A client that does not answer a ping within this time is disconnected (3012). */
  readonly pongTimeoutMs: number;
  /** A connection without a connect command is closed after this time (3502). */
  readonly staleTimeoutMs: number;
  /** How long after the token's expiry a connection is still kept, so that its refresh can arrive. */
  readonly expiryGraceMs: number;
  readonly subscriptionExpiryGraceMs: number;
  /** How often the deadlines above are looked at: their precision. */
  readonly sweepIntervalMs: number;
  /** How long a closed connection's socket may take to drain before it is destroyed. */
  readonly closeGraceMs: number;
  /** How long an idempotency key is remembered. */
  readonly idempotencyTtlMs: number;
}

export interface GatewayLimits {
  readonly maxFrameBytes: number;
  readonly maxCommandsPerFrame: number;
  /** Commands received but not yet handled, per connection. */
  readonly maxPendingCommands: number;
  readonly commandRatePerSecond: number;
  readonly commandBurst: number;
  readonly maxChannelLength: number;
  readonly maxChannelsPerConnection: number;
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  /** Bytes waiting to be sent to one client; more means it is slow and it is disconnected (3008). */
  readonly maxQueueBytes: number;
  readonly maxPublicationBytes: number;
  /** Publications in one recovery or history reply. */
  readonly maxHistoryLimit: number;
  /** Bytes of publications in one recovery or history reply; must stay below `maxQueueBytes`. */
  readonly maxHistoryReplyBytes: number;
  /** Bytes of all kept publications together; the least recently published channels lose theirs first. */
  readonly maxHistoryBytes: number;
  /** Channels without subscribers and publications whose position is still remembered. */
  readonly maxIdleStreams: number;
  /** At least the half that came last is remembered, for `idempotencyTtlMs`. */
  readonly maxIdempotencyKeys: number;
}

export interface GatewayPaths {
  readonly websocket: string;
  readonly httpStream: string;
  readonly sse: string;
  readonly uniSse: string;
  readonly emulation: string;
}

export interface GatewayOptions {
  /** The HMAC key of connection and subscription tokens; at least 32 bytes (RFC 7518, 3.2). */
  readonly tokenSecret: Uint8Array | KeyObject;
  /** When set, tokens must carry this audience / issuer. */
  readonly tokenAudience?: string;
  readonly tokenIssuer?: string;
  /** Shown in connect replies and in `info`. */
  readonly version?: string;
  readonly namespaces: Readonly<Record<string, NamespaceOptions>>;
  /**
   * Browser origins allowed besides the gateway's own host, as `https://chat.example.org`; '*' allows all.
   * Requests without an Origin header do not come from a browser's page and are allowed.
   */
  readonly allowedOrigins?: readonly string[];
  readonly paths?: Partial<GatewayPaths>;
  readonly timings?: Partial<GatewayTimings>;
  readonly limits?: Partial<GatewayLimits>;
}

export const DEFAULT_PATHS: GatewayPaths = {
  websocket: '/connection/websocket',
  httpStream: '/connection/http_stream',
  sse: '/connection/sse',
  uniSse: '/connection/uni_sse',
  emulation: '/emulation',
};

export const DEFAULT_TIMINGS: GatewayTimings = {
  pingIntervalMs: 25_000,
  pongTimeoutMs: 8_000,
  staleTimeoutMs: 10_000,
  expiryGraceMs: 25_000,
  subscriptionExpiryGraceMs: 25_000,
  sweepIntervalMs: 500,
  closeGraceMs: 3_000,
  idempotencyTtlMs: 300_000,
};

export const DEFAULT_LIMITS: GatewayLimits = {
  maxFrameBytes: 128 * 1024,
  maxCommandsPerFrame: 512,
  maxPendingCommands: 1_024,
  commandRatePerSecond: 100,
  commandBurst: 1_024,
  maxChannelLength: 255,
  maxChannelsPerConnection: 256,
  maxConnections: 100_000,
  maxConnectionsPerAddress: 4_096,
  maxQueueBytes: 1024 * 1024,
  maxPublicationBytes: 256 * 1024,
  maxHistoryLimit: 300,
  maxHistoryReplyBytes: 512 * 1024,
  maxHistoryBytes: 64 * 1024 * 1024,
  maxIdleStreams: 100_000,
  maxIdempotencyKeys: 40_000,
};

export interface ResolvedNamespace extends Required<NamespaceOptions> {
  readonly name: string;
  /** Both a size and a time to live are set. */
  readonly keepsHistory: boolean;
}

export interface ResolvedOptions {
  readonly version: string;
  readonly namespaceByName: ReadonlyMap<string, ResolvedNamespace>;
  readonly allowedOrigins: ReadonlySet<string>;
  readonly paths: GatewayPaths;
  readonly timings: GatewayTimings;
  readonly limits: GatewayLimits;
}

/** Throws a `RangeError` for settings that cannot work: a composition mistake, not input. */
export function resolveOptions(options: GatewayOptions): ResolvedOptions {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const timings = { ...DEFAULT_TIMINGS, ...options.timings };
  for (const [key, value] of [...Object.entries(limits), ...Object.entries(timings)]) {
    if (!Number.isFinite(value) || value <= 0) throw new RangeError(`gateway option ${key} must be positive`);
  }
  if (limits.maxHistoryReplyBytes + limits.maxPublicationBytes > limits.maxQueueBytes) {
    throw new RangeError(
      'gateway option maxQueueBytes must exceed maxHistoryReplyBytes + maxPublicationBytes',
    );
  }
  const namespaceByName = new Map<string, ResolvedNamespace>();
  for (const [name, namespace] of Object.entries(options.namespaces)) {
    if (name.includes(':')) throw new RangeError(`namespace ${name} must not contain a colon`);
    const historySize = namespace.historySize ?? 0;
    const historyTtlMs = namespace.historyTtlMs ?? 0;
    namespaceByName.set(name, {
      name,
      historySize,
      historyTtlMs,
      keepsHistory: historySize > 0 && historyTtlMs > 0,
      forceRecovery: namespace.forceRecovery ?? false,
      presence: namespace.presence ?? false,
      joinLeave: namespace.joinLeave ?? false,
      subscribeWithoutToken: namespace.subscribeWithoutToken ?? false,
    });
  }
  return {
    version: options.version ?? '',
    namespaceByName,
    allowedOrigins: new Set((options.allowedOrigins ?? []).map((origin) => origin.toLowerCase())),
    paths: { ...DEFAULT_PATHS, ...options.paths },
    timings,
    limits,
  };
}
