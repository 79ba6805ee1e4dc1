/**
 * The port to large opaque objects: encrypted attachments. Contents are never looked at.
 *
 * Keys are relative paths: one to eight segments of `A–Z a–z 0–9 _ -` and inner dots, joined by `/`, at most 256
 * characters. A key names its blob for good: putting it again replaces the whole blob, and readers that are under
 * way keep what they opened.
 */
export type PutResult =
  | { ok: true; size: number; sha256: Uint8Array }
  /** Nothing was stored, and what was there before is untouched. */
  | { ok: false; code: PutErrorCode };

export type PutErrorCode =
  /** The body is larger than `maxBytes`. Found while streaming: no more than that was read. */
  | 'BLOB_TOO_LARGE'
  /** The body ended with an error: the upload was broken off. */
  | 'BLOB_ABORTED'
  /** There is no room. */
  | 'BLOB_STORE_FULL';

export interface PutLimits {
  readonly maxBytes: number;
  /** False: the caller has no use for the result's `sha256`, which is empty then. Default true. */
  readonly hash?: boolean;
}

/** Bytes `start` to `end`, both included, as in HTTP; without `end` to the last byte. */
export interface ByteRange {
  readonly start: number;
  readonly end?: number;
}

export interface BlobReader extends AsyncDisposable {
  /** Of the whole blob, whatever the range. */
  readonly size: number;
  /** The part that `body` yields, cut to the blob; `undefined` if the range begins past its end. */
  readonly range: { readonly start: number; readonly end: number } | undefined;
  /** To be read once. Ending early, or disposing the reader, releases it. */
  readonly body: AsyncIterable<Uint8Array>;
}

export interface BlobStore {
  /**
   * Resolves with `ok` only after the blob is durable and visible, as a whole. Rejects with {@link BlobError}. What the body
   * has yielded is the store's: it may still be writing it when it asks for the next chunk.
   */
  put(key: string, body: AsyncIterable<Uint8Array>, limits: PutLimits): Promise<PutResult>;
  /** `undefined` if there is no such blob. Rejects with {@link BlobError}. */
  get(key: string, range?: ByteRange): Promise<BlobReader | undefined>;
  /** Whether there was one. */
  delete(key: string): Promise<boolean>;
  /**
   * Some of the keys that start with `prefix`, in an order of the store's own; those put or deleted meanwhile may be missing.
   * Begins where `from` says, the `next` of an earlier page of this store and prefix, however long ago that was.
   */
  listPage(prefix: string, from?: string): Promise<BlobPage>;
}

export interface BlobPage {
  /** A thousand or so; none does not mean that there are no more. */
  readonly keys: readonly string[];
  /** Where the next page begins; undefined after the last one. */
  readonly next: string | undefined;
}

/** All keys that start with `prefix`, page by page. */
export async function* listBlobs(blobs: BlobStore, prefix: string): AsyncGenerator<string> {
  let from: string | undefined;
  do {
    const page: BlobPage = await blobs.listPage(prefix, from);
    yield* page.keys;
    from = page.next;
  } while (from !== undefined);
}

export type BlobErrorCode =
  /** The key is not well-formed. */
  | 'BLOB_KEY_INVALID'
  /** The range is not of non-negative integers in ascending order. */
  | 'BLOB_RANGE_INVALID'
  /** The store could not be read or written; `cause` says why. */
  | 'BLOB_STORE_UNAVAILABLE'
  /** What is stored is not what was put: changed, moved, cut off or added to. Only where blobs are encrypted. */
  | 'BLOB_DAMAGED'
  /** The blob's data key is not the one that was wrapped, or was wrapped by another master key of this name. */
  | 'BLOB_DATA_KEY_DAMAGED'
  /** The blob's data key is wrapped by a master key that is not in the ring, or the ring itself cannot be read. */
  | 'BLOB_MASTER_KEY_UNKNOWN';

export class BlobError extends Error {
  override readonly name = 'BlobError';
  readonly code: BlobErrorCode;

  constructor(code: BlobErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const KEY = /^(?!.{257})[\w-](?:[\w.-]*[\w-])?(?:\/[\w-](?:[\w.-]*[\w-])?){0,7}$/;

/** No segment is empty, begins or ends with a dot, so none is `.` or `..` or hidden. */
export function isBlobKey(key: string): boolean {
  return KEY.test(key);
}

/** Throws {@link BlobError} `BLOB_KEY_INVALID`. */
export function assertBlobKey(key: string): void {
  if (!isBlobKey(key)) throw new BlobError('BLOB_KEY_INVALID', 'the key of the blob is not well-formed');
}

/** Throws {@link BlobError} `BLOB_RANGE_INVALID`. */
export function assertRange(range: ByteRange | undefined): void {
  if (range === undefined) return;
  const { start, end = start } = range;
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start) {
    throw new BlobError('BLOB_RANGE_INVALID', 'the range is not of non-negative integers in ascending order');
  }
}

/** The part of a blob of `size` octets that `range` asks for; undefined if it begins past the end. */
export function partOf(
  size: number,
  range: ByteRange | undefined,
): { readonly start: number; readonly end: number } | undefined {
  const start = range?.start ?? 0;
  const end = Math.min(range?.end ?? size - 1, size - 1);
  return start <= end || (range === undefined && size === 0) ? { start, end } : undefined;
}
