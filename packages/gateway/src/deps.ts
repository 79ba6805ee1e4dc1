/**
 * What the gateway takes from its surroundings: time, randomness, a log and counters.
 *
 * Structurally the same as the ports of docs/decisions/0001-shape.md, declared here so that this package
 * depends on no other package of ours. The log has pino's calling shape.
 */
import type { IncomingMessage } from 'node:http';
import type { ChannelSource } from './channel-source.ts';

export interface Clock {
  /** Unix time in milliseconds. */
  nowMs(): number;
  /** Runs `task` once after `delayMs`; disposing cancels it. Does not keep the process alive. */
  schedule(delayMs: number, task: () => void): Disposable;
}

export interface RandomSource {
  /** `length` cryptographically secure bytes. */
  bytes(length: number): Uint8Array;
}

/** `err` holds a caught error. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Receives no token, no publication and no user id: only client ids, transports, codes and counts. */
export interface GatewayLog {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
}

/** Every method is called synchronously on a hot path and must return at once. */
export interface GatewayMetrics {
  connectionOpened?(transport: string): void;
  connectionClosed?(transport: string, code: number): void;
  /** A command was answered; `errorCode` is 0 for a result. */
  commandHandled?(method: string, errorCode: number): void;
  /** One publication was queued for `subscribers` connections. */
  published?(namespace: string, subscribers: number): void;
}

export interface GatewayDeps {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log?: GatewayLog;
  readonly metrics?: GatewayMetrics;
  /**
   * The address that `maxConnectionsPerAddress` counts by. Default: the socket's peer address. Behind a proxy
   * the composition root passes a function that trusts the proxy's header.
   */
  readonly clientAddress?: (request: IncomingMessage) => string;
  /** In one of several processes. Without it whatever is published must be published here, listened to or not. */
  readonly source?: ChannelSource;
}
