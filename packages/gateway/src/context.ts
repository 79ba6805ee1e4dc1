/**
 * What connections and commands share: the parts of one gateway.
 */
import type { ChannelSource } from './channel-source.ts';
import type { Connection } from './connection.ts';
import type { Clock, GatewayLog, GatewayMetrics } from './deps.ts';
import type { History } from './history.ts';
import type { Hub } from './hub.ts';
import type { GatewayLimits, GatewayTimings, ResolvedNamespace } from './options.ts';
import type { TokenVerifier } from './tokens.ts';

export interface GatewayContext {
  readonly clock: Clock;
  readonly log: GatewayLog | undefined;
  readonly metrics: GatewayMetrics | undefined;
  readonly source: ChannelSource | undefined;
  readonly hub: Hub;
  readonly history: History;
  readonly tokens: TokenVerifier;
  readonly timings: GatewayTimings;
  readonly limits: GatewayLimits;
  readonly version: string;
  readonly nodeId: string;
  /** `undefined`: the channel's namespace is not configured. */
  namespaceOf(channel: string): ResolvedNamespace | undefined;
  newClientId(): string;
  /** Unguessable: whoever knows it can send commands for the connection. */
  newSession(): string;
  /** In [0.5, 1): spreads the pings of connections made at the same time. */
  nextPingPhase(): number;
  opened(connection: Connection): void;
  /** The connection is no longer part of the conversation; its socket may still drain. */
  closed(connection: Connection, code: number): void;
  /** The transport was told to close: it is destroyed when it does not within the grace time. */
  closing(connection: Connection): void;
  /** The transport is gone. */
  gone(connection: Connection): void;
}
