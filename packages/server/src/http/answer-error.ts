/**
 * The one place where an error becomes an answer (house style 13–15).
 *
 *     ApiError      what a route meant to say
 *     StoreError    the database is busy, closing, full or unavailable: not the caller's fault, not a bug
 *     BlobError     the same of attachments; what is damaged there is for the operator, like a bug
 *     fastify       the request never reached a route
 *     the rest      a bug: 500, logged whole, told to the caller as a request id only
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { BlobError, StoreError, type Log } from '@conclave/platform';
import { ApiError } from '../errors/api-error.ts';
import { errorCodes } from '../errors/error-registry.ts';

export function answerError(
  log: Log,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const known = knownError(error);
  const span = request.work?.span;
  if (known === undefined) {
    span?.fail('M_UNKNOWN');
    log.error({ err: error, requestId: request.id, route: request.routeOptions.url }, 'a request met a bug');
    return json(reply, 500).send({
      errcode: 'M_UNKNOWN',
      error: 'Internal server error',
      request_id: request.id,
    });
  }
  const { status = errorCodes[known.code].statuses[0], retryAfterMs, fields } = known.options;
  // What a caller did wrong is no failure of ours, but its code tells what the time was spent on.
  if (status >= 500) span?.fail(known.code);
  else span?.set({ 'error.type': known.code });
  if (error instanceof StoreError) {
    log.warn({ code: error.code, requestId: request.id, err: error }, 'a request met an unwilling database');
  } else if (error instanceof BlobError) {
    log.warn(
      { code: error.code, requestId: request.id, err: error },
      'a request met an unwilling blob store',
    );
  }
  if (retryAfterMs !== undefined) reply.header('retry-after', String(Math.ceil(retryAfterMs / 1_000)));
  return json(reply, status).send({
    errcode: known.code,
    error: known.message,
    ...(retryAfterMs === undefined ? {} : { retry_after_ms: Math.ceil(retryAfterMs) }),
    ...fields,
  });
}

/** A route whose stream failed before its first octet has said already what it would send. */
function json(reply: FastifyReply, status: number): FastifyReply {
  return reply.code(status).type('application/json; charset=utf-8');
}

function knownError(error: unknown): ApiError | undefined {
  if (error instanceof ApiError) return error;
  if (error instanceof StoreError) return fromStore(error);
  if (error instanceof BlobError) return fromBlobs(error);
  return fromFastify(error);
}

function fromBlobs(error: BlobError): ApiError | undefined {
  switch (error.code) {
    // A master key that is missing comes with its file.
    case 'BLOB_STORE_UNAVAILABLE':
    case 'BLOB_MASTER_KEY_UNKNOWN':
      return new ApiError('CONCLAVE_STORAGE_UNAVAILABLE', 'Attachments are not available', {
        retryAfterMs: 2_000,
        cause: error,
      });
    case 'BLOB_KEY_INVALID':
    case 'BLOB_RANGE_INVALID':
    case 'BLOB_DAMAGED':
    case 'BLOB_DATA_KEY_DAMAGED':
      return undefined;
    default:
      return error.code satisfies never;
  }
}

function fromStore(error: StoreError): ApiError | undefined {
  switch (error.code) {
    case 'STORE_BUSY':
      return new ApiError('CONCLAVE_OVERLOADED', 'Too many changes are waiting', {
        retryAfterMs: 1_000,
        cause: error,
      });
    case 'STORE_CLOSED':
      return new ApiError('CONCLAVE_STOPPING', 'The server is stopping', {
        retryAfterMs: 5_000,
        cause: error,
      });
    case 'STORE_READ_ONLY':
      return new ApiError('CONCLAVE_READ_ONLY', 'The server takes no changes at the moment', {
        retryAfterMs: 2_000,
        cause: error,
      });
    // A process that must be replaced: another one may do it.
    case 'STORE_SCHEMA_NEWER':
      return new ApiError('CONCLAVE_STORAGE_UNAVAILABLE', 'The database is not available', {
        retryAfterMs: 5_000,
        cause: error,
      });
    case 'STORE_FULL':
      return new ApiError('CONCLAVE_STORAGE_FULL', 'The server has no room left', { cause: error });
    case 'STORE_UNAVAILABLE':
      return new ApiError('CONCLAVE_STORAGE_UNAVAILABLE', 'The database is not available', {
        retryAfterMs: 5_000,
        cause: error,
      });
    // The same request again is answered by what it did, or does it now.
    case 'STORE_OUTCOME_UNKNOWN':
      return new ApiError(
        'CONCLAVE_STORAGE_UNAVAILABLE',
        'The database did not say whether the change was made',
        {
          retryAfterMs: 1_000,
          cause: error,
        },
      );
    // Stalled units, dead transactions and schema errors at run time are mistakes of the program.
    case 'STORE_UNIT_STALLED':
    case 'STORE_UNIT_OVER':
    case 'STORE_IN_USE':
    case 'STORE_SCHEMA_MISMATCH':
    case 'STORE_MIGRATION_FAILED':
      return undefined;
    default:
      return error.code satisfies never;
  }
}

function fromFastify(error: unknown): ApiError | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new ApiError('M_TOO_LARGE', 'The body is larger than this route accepts');
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new ApiError('M_TOO_LARGE', 'A path segment is too long', { status: 414 });
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new ApiError('CONCLAVE_UNSUPPORTED_MEDIA_TYPE', 'This route does not take this Content-Type');
    case 'FST_ERR_BAD_URL':
      return new ApiError('M_INVALID_PARAM', 'The path has a malformed percent-encoding');
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
    case 'ECONNRESET':
      // ECONNRESET: the body ended early. The answer goes nowhere; it is not our bug.
      return new ApiError('CONCLAVE_BAD_HTTP', 'The body did not arrive whole');
    default:
      return undefined;
  }
}
