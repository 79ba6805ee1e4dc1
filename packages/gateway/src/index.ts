/**
 * The embedded real-time gateway. See README.md for what it speaks of Centrifugo's protocol.
 */
export {
  DISCONNECT,
  ERROR,
  UNSUBSCRIBE,
  type ClientError,
  type Disconnect,
  type Unsubscribe,
} from './codes.ts';
export type { ChannelSource } from './channel-source.ts';
export type { Clock, GatewayDeps, GatewayLog, GatewayMetrics, LogFields, RandomSource } from './deps.ts';
export { createGateway, type Gateway, type GatewayStats } from './gateway.ts';
export {
  DEFAULT_LIMITS,
  DEFAULT_PATHS,
  DEFAULT_TIMINGS,
  type GatewayLimits,
  type GatewayOptions,
  type GatewayPaths,
  type GatewayTimings,
  type NamespaceOptions,
} from './options.ts';
export type {
  ApiResult,
  DisconnectFilter,
  PublishOptions,
  PublishResult,
  UnsubscribeFilter,
} from './server-api.ts';
export {
  issueConnectionToken,
  issueSubscriptionToken,
  type IssueConnectionToken,
  type IssueSubscriptionToken,
} from './tokens.ts';
