/**
 * Every error code that the server can answer with, declared once. docs/errors.md is generated from this table
 * and a test keeps both in step; another test sees each code answered over a real socket.
 *
 * Codes are stable for ever. `M_*` are the Matrix specification's (client-server API v1.19, "Standard error
 * response"), used wherever Matrix has a word for it; ours start with `CONCLAVE_`.
 * A feature adds its own codes with {@link ErrorTable}, next to its routes.
 */

export interface ErrorCodeEntry {
  /** HTTP statuses with which it is answered; the first is the usual one. */
  readonly statuses: readonly [number, ...number[]];
  readonly meaning: string;
  /** What the caller, or the operator, can do. */
  readonly remedy: string;
}

export type ErrorTable = Readonly<Record<string, ErrorCodeEntry>>;

export const matrixErrorCodes = {
  M_FORBIDDEN: {
    statuses: [403, 401],
    meaning:
      'The name or password is wrong, registration is closed, or guests are not accepted. 401 inside user-interactive authentication.',
    remedy: 'Check the credentials; ask the operator whether registration is open.',
  },
  M_UNAUTHORIZED: {
    statuses: [401],
    meaning:
      'The registration token is unknown, expired or used up (within user-interactive authentication).',
    remedy: 'Ask the operator for a new registration token.',
  },
  M_MISSING_TOKEN: {
    statuses: [401],
    meaning: 'The request needs an access token and has none.',
    remedy: 'Send `Authorization: Bearer TOKEN`. Tokens in the query string are not accepted.',
  },
  M_UNKNOWN_TOKEN: {
    statuses: [401],
    meaning:
      'The access or refresh token is unknown, expired, revoked or already used. `soft_logout: true` means that the device still exists.',
    remedy: 'Refresh the access token; if the refresh token is refused too, log in again.',
  },
  M_BAD_JSON: {
    statuses: [400],
    meaning: 'The body is JSON, but a value has the wrong type or is out of bounds; `error` names the key.',
    remedy: 'Correct the named key.',
  },
  M_NOT_JSON: {
    statuses: [400],
    meaning: 'The body is missing, is not UTF-8, or is not JSON.',
    remedy: 'Send one JSON object.',
  },
  M_MISSING_PARAM: {
    statuses: [400, 401],
    meaning:
      'A required key or query parameter is missing; `error` names it. 401 inside user-interactive authentication.',
    remedy: 'Add it.',
  },
  M_INVALID_PARAM: {
    statuses: [400],
    meaning: 'A query parameter or path segment has an unusable value; `error` names it.',
    remedy: 'Correct it.',
  },
  M_TOO_LARGE: {
    statuses: [413, 414],
    meaning: 'The body (413) or the path (414) is larger than this route accepts.',
    remedy: 'Send less; docs/configuration.md names the limits.',
  },
  M_LIMIT_EXCEEDED: {
    statuses: [429],
    meaning: 'Too many requests from this address, or too many attempts on this account.',
    remedy: 'Wait `retry_after_ms` (also in the Retry-After header).',
  },
  M_UNRECOGNIZED: {
    statuses: [404, 405],
    meaning: 'No such route (404), or not with this method (405).',
    remedy: 'Check path and method; the server may be older than the client.',
  },
  M_USER_IN_USE: {
    statuses: [400],
    meaning: 'The user name is taken. Names of deactivated accounts stay taken.',
    remedy: 'Choose another name.',
  },
  M_INVALID_USERNAME: {
    statuses: [400],
    meaning:
      'The user name has characters other than a-z 0-9 . _ = - / +, is empty, or makes the user id longer than 255.',
    remedy: 'Choose another name.',
  },
  M_WEAK_PASSWORD: {
    statuses: [400],
    meaning: 'The new password is shorter than accounts.minPasswordLength, or longer than 512 octets.',
    remedy: 'Choose another password.',
  },
  M_UNKNOWN: {
    statuses: [500, 400, 401],
    meaning:
      '500: a bug in the server; its log has the details under the answered `request_id`. 400: the kind of login or identifier is not known here. 401: the session of user-interactive authentication is unknown or over.',
    remedy:
      '500: report it. 400: use m.login.password with m.id.user. 401: start again with the new session.',
  },
} as const satisfies ErrorTable;

export const httpErrorCodes = {
  CONCLAVE_BAD_HTTP: {
    statuses: [400],
    meaning: 'The request is not well-formed HTTP, or its body ended early.',
    remedy: 'Check the client or the proxy in front of the server.',
  },
  CONCLAVE_HEADERS_TOO_LARGE: {
    statuses: [431],
    meaning: 'The request headers are larger than 16 KiB.',
    remedy: 'Send fewer headers.',
  },
  CONCLAVE_REQUEST_TIMEOUT: {
    statuses: [408],
    meaning: 'The request did not arrive within listen.requestTimeoutMs. Nothing of it was kept.',
    remedy: 'Send it again over a faster connection.',
  },
  CONCLAVE_UNSUPPORTED_MEDIA_TYPE: {
    statuses: [415],
    meaning: 'The route does not take this Content-Type.',
    remedy: 'Send application/octet-stream or application/json, as the route says.',
  },
  CONCLAVE_OVERLOADED: {
    statuses: [429],
    meaning: 'More work is waiting, of this group or in all, than the server accepts. Nothing was done.',
    remedy: 'Try again after `retry_after_ms` (also in the Retry-After header).',
  },
  CONCLAVE_STOPPING: {
    statuses: [503],
    meaning: 'The server is stopping. Nothing was done.',
    remedy: 'Try again shortly.',
  },
  CONCLAVE_READ_ONLY: {
    statuses: [503],
    meaning:
      'The server takes no changes at the moment: its database is being moved. Nothing was done; reading works.',
    remedy: 'Try again after `retry_after_ms` (also in the Retry-After header).',
  },
  CONCLAVE_GATEWAY_UNAVAILABLE: {
    statuses: [503],
    meaning: 'Centrifugo did not answer, or refused, when the operator asked for it.',
    remedy: 'Check gateway.apiUrl and the key, and whether Centrifugo runs. Messages are not lost meanwhile.',
  },
  CONCLAVE_STORAGE_FULL: {
    statuses: [507],
    meaning: 'The server has no room left on its disk. Nothing was done.',
    remedy: 'The operator must make room.',
  },
  CONCLAVE_STORAGE_UNAVAILABLE: {
    statuses: [503],
    meaning: 'The database could not be read or written. Nothing was done.',
    remedy: 'Try again; the operator finds the cause in the log.',
  },
} as const satisfies ErrorTable;
