/**
 * The codes of Centrifugo's client protocol that this gateway uses.
 *
 * Errors answer one command. An unsubscribe code of 2500 or more makes the client subscribe again.
 * Disconnect codes 3000-3499 and 4000-4499 make it reconnect; 3500-3999 and 4500-4999 are terminal.
 * Source: centrifugal.dev/docs/server/codes.
 */

export interface ClientError {
  readonly code: number;
  readonly message: string;
  /** The client may try the same command again. */
  readonly temporary?: true;
}

export interface Unsubscribe {
  readonly code: number;
  readonly reason: string;
}

export interface Disconnect {
  readonly code: number;
  /** It travels in a WebSocket close frame, so it is at most 123 bytes long. */
  readonly reason: string;
}

/** Close frames carry at most 123 bytes of reason (RFC 6455, 5.5). */
const MAX_REASON_BYTES = 123;

/** May a server end a subscription with this? */
export function isUnsubscribe({ code }: { readonly code: number }): boolean {
  return Number.isInteger(code) && code >= 2000 && code <= 2999;
}

/** May a server end a connection with this? */
export function isDisconnect({ code, reason }: { readonly code: number; readonly reason: string }): boolean {
  return (
    Number.isInteger(code) && code >= 3000 && code <= 4999 && Buffer.byteLength(reason) <= MAX_REASON_BYTES
  );
}

export const ERROR = {
  internal: { code: 100, message: 'internal server error', temporary: true },
  unknownChannel: { code: 102, message: 'unknown channel' },
  permissionDenied: { code: 103, message: 'permission denied' },
  methodNotFound: { code: 104, message: 'method not found' },
  alreadySubscribed: { code: 105, message: 'already subscribed' },
  limitExceeded: { code: 106, message: 'limit exceeded' },
  badRequest: { code: 107, message: 'bad request' },
  notAvailable: { code: 108, message: 'not available' },
  tokenExpired: { code: 109, message: 'token expired' },
  expired: { code: 110, message: 'expired' },
  tooManyRequests: { code: 111, message: 'too many requests', temporary: true },
  unrecoverablePosition: { code: 112, message: 'unrecoverable position' },
} as const satisfies Record<string, ClientError>;

export const UNSUBSCRIBE = {
  server: { code: 2000, reason: 'server unsubscribe' },
  insufficientState: { code: 2500, reason: 'insufficient state' },
  expired: { code: 2501, reason: 'subscription expired' },
} as const satisfies Record<string, Unsubscribe>;

export const DISCONNECT = {
  connectionClosed: { code: 3000, reason: 'connection closed' },
  shutdown: { code: 3001, reason: 'shutdown' },
  serverError: { code: 3004, reason: 'internal server error' },
  expired: { code: 3005, reason: 'connection expired' },
  slow: { code: 3008, reason: 'slow' },
  noPong: { code: 3012, reason: 'no pong' },
  tooManyRequests: { code: 3013, reason: 'too many requests' },
  invalidToken: { code: 3500, reason: 'invalid token' },
  badRequest: { code: 3501, reason: 'bad request' },
  stale: { code: 3502, reason: 'stale' },
  forceNoReconnect: { code: 3503, reason: 'force disconnect' },
  channelLimit: { code: 3505, reason: 'channel limit' },
  notAvailable: { code: 3508, reason: 'not available' },
} as const satisfies Record<string, Disconnect>;
