/**
 * Downloads from S3: as slow as the reader, and whole or an error.
 *
 *   GET range ─▶ chunk ─▶ chunk ─▶ ╳ connection lost, silent, or short
 *                                  └▶ GET from here on, If-Match ─▶ chunk … ─▶ end
 *
 * A download that breaks off is asked for again from where it stopped, if the blob is still the same, as often as that gets
 * further and a few times more. Whoever reads sees every octet once, or an error.
 */
import { GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { Readable } from 'node:stream';
import { BlobError, type BlobReader, type ByteRange } from '../blob-store.ts';
import { noSuchObject, unavailable, type S3Calls } from './s3-calls.ts';

/** Attempts in a row that bring nothing. */
const maxFutileAttempts = 3;

export interface S3Download extends BlobReader {
  /** Which version of the object it is; undefined where nothing is read of it. */
  readonly etag: string | undefined;
}

/** Undefined if there is no such blob. */
export async function openS3Download(
  calls: S3Calls,
  key: string,
  range: ByteRange | undefined,
): Promise<S3Download | undefined> {
  const opened = await open(calls, key, { start: range?.start ?? 0, end: range?.end }, undefined);
  if (opened === 'none') return undefined;
  if (opened === 'past the end') return await pastTheEnd(calls, key, range);
  const download = new Download(calls, key, opened);
  return {
    size: opened.size,
    range: { start: opened.start, end: opened.end },
    etag: opened.etag,
    body: download.read(),
    [Symbol.asyncDispose]: async () => download.release(),
  };
}

interface Opened {
  readonly size: number;
  readonly start: number;
  readonly end: number;
  readonly etag: string;
  readonly body: Readable;
}

class Download {
  readonly #calls: S3Calls;
  readonly #key: string;
  #opened: Opened;
  #released = false;

  constructor(calls: S3Calls, key: string, opened: Opened) {
    this.#calls = calls;
    this.#key = key;
    this.#opened = opened;
  }

  release(): void {
    this.#released = true;
    this.#opened.body.destroy();
  }

  async *read(): AsyncGenerator<Uint8Array> {
    const { start, end } = this.#opened;
    let position = start;
    let futile = 0;
    try {
      while (position <= end) {
        const from = position;
        try {
          for await (const chunk of this.#chunks(this.#opened.body)) {
            position += chunk.length;
            yield chunk;
          }
          if (position <= end) throw new BlobError('BLOB_STORE_UNAVAILABLE', 'S3 sent less than it had said');
        } catch (error) {
          this.#opened.body.destroy();
          futile = position > from ? 0 : futile + 1;
          if (this.#released || futile >= maxFutileAttempts) throw unavailable(error);
          this.#opened = await this.#again(position, end);
        }
      }
      if (position !== end + 1)
        throw new BlobError('BLOB_STORE_UNAVAILABLE', 'S3 sent more than it had said');
    } finally {
      this.release();
    }
  }

  /** What arrives, with a bound on how long it may take once it is asked for. */
  async *#chunks(body: Readable): AsyncGenerator<Uint8Array> {
    const { clock, limits } = this.#calls;
    const chunks = body[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    for (;;) {
      using _timer = clock.schedule(limits.silenceMs, () => body.destroy(new Error('S3 fell silent')));
      const next = await chunks.next();
      if (next.done === true) return;
      yield next.value;
    }
  }

  async #again(start: number, end: number): Promise<Opened> {
    const { etag } = this.#opened;
    const opened = await open(this.#calls, this.#key, { start, end }, etag);
    if (typeof opened === 'string' || opened.start !== start || opened.end !== end || this.#released) {
      if (typeof opened !== 'string') opened.body.destroy();
      throw new BlobError('BLOB_STORE_UNAVAILABLE', 'the blob was deleted or replaced while it was read');
    }
    return opened;
  }
}

async function open(
  calls: S3Calls,
  key: string,
  { start, end }: { readonly start: number; readonly end: number | undefined },
  etag: string | undefined,
): Promise<Opened | 'none' | 'past the end'> {
  const { client, bucket } = calls;
  let isPastTheEnd = false;
  const got = await calls.unless(new Set([...noSuchObject, 'InvalidRange']), async (options) => {
    isPastTheEnd = false;
    try {
      return await client.send(
        new GetObjectCommand({
          Bucket: bucket,
          Key: key,
          ...(start === 0 && end === undefined ? {} : { Range: `bytes=${start}-${end ?? ''}` }),
          ...(etag === undefined ? {} : { IfMatch: etag }),
        }),
        options,
      );
    } catch (error) {
      isPastTheEnd = error instanceof Error && error.name === 'InvalidRange';
      throw error;
    }
  });
  if (got === undefined) return isPastTheEnd ? 'past the end' : 'none';
  const { Body: body, ContentLength: length, ContentRange: contentRange, ETag } = got;
  if (!(body instanceof Readable) || length === undefined || ETag === undefined) {
    throw new BlobError('BLOB_STORE_UNAVAILABLE', 'S3 answered without a body, its length or its tag');
  }
  // Errors reach whoever reads; one that comes after the last read has nobody to reach.
  body.on('error', () => undefined);
  if (contentRange === undefined) return { size: length, start: 0, end: length - 1, etag: ETag, body };
  const [, from, to, size] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(contentRange) ?? [];
  if (size === undefined) {
    body.destroy();
    throw new BlobError('BLOB_STORE_UNAVAILABLE', 'S3 answered with a range that cannot be read');
  }
  return { size: Number(size), start: Number(from), end: Number(to), etag: ETag, body };
}

async function pastTheEnd(
  { unless, client, bucket }: S3Calls,
  key: string,
  range: ByteRange | undefined,
): Promise<S3Download | undefined> {
  const head = await unless(noSuchObject, (options) =>
    client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }), options),
  );
  if (head === undefined) return undefined;
  const size = head.ContentLength ?? 0;
  return {
    size,
    range: range === undefined ? { start: 0, end: size - 1 } : undefined,
    etag: undefined,
    body: nothing(),
    async [Symbol.asyncDispose]() {},
  };
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
