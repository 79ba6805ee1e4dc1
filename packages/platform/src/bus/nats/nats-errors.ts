/** What the NATS client and server say, in the terms of the port. */
import { JetStreamApiError } from '@nats-io/jetstream';
import {
  AuthorizationError,
  ClosedConnectionError,
  InvalidArgumentError,
  NoRespondersError,
  PermissionViolationError,
  RequestError,
  UserAuthenticationExpiredError,
} from '@nats-io/transport-node';
import { BusError } from '../bus-error.ts';

/** Codes of the JetStream API: https://github.com/nats-io/nats-server/blob/main/server/errors.json */
export const apiCodes = {
  resourceLimitsExceeded: 10_002,
  clusterNotAvailable: 10_008,
  consumerCreateFailed: 10_012,
  consumerNotFound: 10_014,
  insufficientResources: 10_023,
  memoryResourcesExceeded: 10_028,
  noMessageFound: 10_037,
  notEnabledForAccount: 10_039,
  storageResourcesExceeded: 10_047,
  messageExceedsMaximum: 10_054,
  streamNameExists: 10_058,
  streamNotFound: 10_059,
  wrongLastSequence: 10_071,
  storeFailed: 10_077,
  headerExceedsMaximum: 10_097,
  duplicateInProcess: 10_158,
  wrongLastSequenceConstant: 10_164,
  tooManyRequests: 10_167,
} as const;

const FULL: readonly number[] = [
  apiCodes.resourceLimitsExceeded,
  apiCodes.insufficientResources,
  apiCodes.memoryResourcesExceeded,
  apiCodes.storageResourcesExceeded,
  apiCodes.tooManyRequests,
];
const UNAVAILABLE: readonly number[] = [
  apiCodes.clusterNotAvailable,
  apiCodes.notEnabledForAccount,
  apiCodes.streamNotFound,
  apiCodes.storeFailed,
  apiCodes.duplicateInProcess,
];
const TOO_LARGE: readonly number[] = [apiCodes.messageExceedsMaximum, apiCodes.headerExceedsMaximum];

/** Nobody answered for the stream: there is none, or JetStream is only just starting. */
export function isMissingStream(error: unknown): boolean {
  return (
    isNoResponders(error) ||
    // What the JetStream client makes of it.
    (error instanceof Error && isNoResponders(error.cause)) ||
    (error instanceof JetStreamApiError && error.code === apiCodes.streamNotFound)
  );
}

/** Another message is the last of the subject than the publisher said. */
export function isWrongLastSequence(error: unknown): boolean {
  return (
    error instanceof JetStreamApiError &&
    (error.code === apiCodes.wrongLastSequence || error.code === apiCodes.wrongLastSequenceConstant)
  );
}

export function toBusError(cause: unknown): BusError {
  if (cause instanceof BusError) return cause;
  if (cause instanceof JetStreamApiError) return apiError(cause);
  if (isDenied(cause) || (cause instanceof RequestError && isDenied(cause.cause))) {
    return new BusError('BUS_DENIED', 'the bus server does not allow it', { cause });
  }
  if (cause instanceof InvalidArgumentError) {
    return new BusError('BUS_TOO_LARGE', 'the message is larger than the bus server takes', { cause });
  }
  if (cause instanceof ClosedConnectionError) {
    return new BusError('BUS_UNAVAILABLE', 'the connection to the bus is closed', { cause });
  }
  return new BusError('BUS_UNAVAILABLE', 'the bus did not acknowledge', { cause });
}

function apiError(cause: JetStreamApiError): BusError {
  if (isWrongLastSequence(cause)) {
    return new BusError('BUS_FENCED', 'somebody else has published on the subject', { cause });
  }
  if (FULL.includes(cause.code)) return new BusError('BUS_FULL', 'the bus has no room', { cause });
  if (TOO_LARGE.includes(cause.code)) {
    return new BusError('BUS_TOO_LARGE', 'the message is larger than the stream takes', { cause });
  }
  if (UNAVAILABLE.includes(cause.code) || cause.status === 503) {
    return new BusError('BUS_UNAVAILABLE', 'JetStream is not available', { cause });
  }
  return new BusError('BUS_REFUSED', `the stream refused the message (${cause.code})`, { cause });
}

function isNoResponders(error: unknown): boolean {
  return error instanceof NoRespondersError || (error instanceof RequestError && error.isNoResponders());
}

function isDenied(error: unknown): boolean {
  return (
    error instanceof AuthorizationError ||
    error instanceof UserAuthenticationExpiredError ||
    error instanceof PermissionViolationError
  );
}
