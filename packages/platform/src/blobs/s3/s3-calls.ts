/**
 * Calls to S3 within a time, with the client's bounded retries, and their failures as {@link BlobError}. The SDK's own errors
 * can hold the request with its signature: only name, status and message of them go on.
 */
import { S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import type { Clock } from '../../clock/clock.ts';
import { BlobError } from '../blob-store.ts';

export interface S3Settings {
  /** The server; null or undefined: that of the region. */
  readonly endpoint?: string | null | undefined;
  readonly region: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** The bucket stands in the path, not in the host name. */
  readonly pathStyle: boolean;
}

export interface S3Limits {
  /** One call with all its retries, beside the time that its octets may take; for reading, until the first octet. Default 30,000. */
  readonly callMs: number;
  /** Between two chunks of a body that somebody waits for. Default 15,000. */
  readonly silenceMs: number;
  /** Of each call, the first included. Default 4. */
  readonly attempts: number;
}

export const defaultS3Limits: S3Limits = { callMs: 30_000, silenceMs: 15_000, attempts: 4 };

const connectMs = 3_000;
/** A way to S3 that takes less is as good as none. */
const minBytesPerMs = 256;
/** A download holds one for as long as its reader takes. */
const maxSockets = 1_024;

export interface S3Calls {
  readonly client: S3Client;
  readonly bucket: string;
  readonly clock: Clock;
  readonly limits: S3Limits;
  /** Runs `call`, which sends `bytes` (default 0), within the time. Rejects with {@link BlobError} `BLOB_STORE_UNAVAILABLE`. */
  readonly run: <T>(call: S3Call<T>, bytes?: number) => Promise<T>;
  /** The same, but undefined for answers with one of these error codes. */
  readonly unless: <T>(codes: ReadonlySet<string>, call: S3Call<T>) => Promise<T | undefined>;
}

/** Hands the options to `client.send`. */
export type S3Call<T> = (options: { readonly abortSignal: AbortSignal }) => Promise<T>;

/** HEAD has no body, hence no code of its own: the SDK calls it NotFound. */
export const noSuchObject: ReadonlySet<string> = new Set(['NoSuchKey', 'NotFound']);

export function createS3Calls(settings: S3Settings, clock: Clock, limits: S3Limits): S3Calls {
  const agent = { maxSockets, keepAlive: true };
  const client = new S3Client({
    ...(settings.endpoint == null ? {} : { endpoint: settings.endpoint }),
    region: settings.region,
    forcePathStyle: settings.pathStyle,
    credentials: { accessKeyId: settings.accessKeyId, secretAccessKey: settings.secretAccessKey },
    maxAttempts: limits.attempts,
    requestHandler: { connectionTimeout: connectMs, httpAgent: agent, httpsAgent: agent },
    // We give SHA-256 sums of our own where octets are stored.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    // The SDK's checking stream neither hands on errors of the connection nor closes it when it is left early.
    responseChecksumValidation: 'WHEN_REQUIRED',
  });

  const run = async <T>(call: S3Call<T>, bytes = 0): Promise<T> => {
    const abort = new AbortController();
    const withinMs = limits.callMs + bytes / minBytesPerMs;
    using _timer = clock.schedule(withinMs, () => abort.abort(new Error('S3 did not answer in time')));
    return await call({ abortSignal: abort.signal });
  };

  return {
    client,
    bucket: settings.bucket,
    clock,
    limits,
    async run(call, bytes) {
      try {
        return await run(call, bytes);
      } catch (error) {
        throw unavailable(error);
      }
    },
    async unless(codes, call) {
      try {
        return await run(call);
      } catch (error) {
        if (error instanceof S3ServiceException && codes.has(error.name)) return undefined;
        throw unavailable(error);
      }
    },
  };
}

/** What S3 says when it has no room: AWS never does, others in these words. */
const noRoom = new Set([
  'XMinioStorageFull',
  'XMinioAdminBucketQuotaExceeded',
  'QuotaExceeded',
  'EntityTooLarge',
]);

export function isNoRoom(error: unknown): boolean {
  return error instanceof BlobError && error.cause instanceof S3Failure && noRoom.has(error.cause.code);
}

/** What is kept of an error of the SDK. */
class S3Failure extends Error {
  override readonly name = 'S3Failure';
  readonly code: string;
  readonly status: number | undefined;

  constructor(error: unknown) {
    super(error instanceof Error ? error.message : 'no error was given');
    this.code = codeOf(error);
    this.status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
  }
}

function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return error instanceof Error ? error.name : 'Unknown';
}

export function unavailable(cause: unknown): BlobError {
  return cause instanceof BlobError
    ? cause
    : new BlobError('BLOB_STORE_UNAVAILABLE', 'S3 cannot be used', { cause: new S3Failure(cause) });
}
