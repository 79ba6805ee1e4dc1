/**
 * Uploads to S3 in bounded memory: two parts at the most, one on its way and one being filled.
 *
 *   body ─▶ fill a part ─┬─ the body ended within the first ─▶ PutObject
 *                        └─ there is more ─▶ CreateMultipartUpload ─▶ UploadPart … ─▶ CompleteMultipartUpload
 *
 * Nothing is visible before PutObject or CompleteMultipartUpload has taken effect, and then all of it is. Each request carries
 * the SHA-256 of what it carries, which S3 checks, and what S3 says that it has stored is compared with what was read here. From
 * a server that says nothing of it the blob is read once more (s3-read-back.ts).
 * The parts of an upload that fails are deleted; those of a process that died are collected later (s3-stale-uploads.ts).
 *
 * Not `@aws-sdk/lib-storage`: it does not tell the sums of its parts, and does not wait for parts under way before it aborts.
 */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { createHash } from 'node:crypto';
import type { Log } from '../../log/log.ts';
import { BlobError, type PutLimits, type PutResult } from '../blob-store.ts';
import { Intake } from '../intake.ts';
import { isNoRoom, noSuchObject, type S3Calls } from './s3-calls.ts';
import { isReadBack, type SentPart } from './s3-read-back.ts';

/** S3 takes parts from 5 MiB, and 10,000 of them. */
const minPartBytes = 8 * 1024 * 1024;
const maxParts = 10_000;

interface Part {
  readonly PartNumber: number;
  readonly ETag: string;
  readonly ChecksumSHA256: string;
  readonly size: number;
}

export interface UploadDeps {
  readonly calls: S3Calls;
  readonly log: Log;
  /** Called for each upload of which the server does not say what it has stored. */
  readonly onNoSum: () => void;
}

export async function uploadToS3(
  deps: UploadDeps,
  key: string,
  body: AsyncIterable<Uint8Array>,
  limits: PutLimits,
): Promise<PutResult> {
  const { maxBytes } = limits;
  const intake = new Intake(body, limits);
  const partBytes = Math.max(minPartBytes, Math.ceil(maxBytes / maxParts));
  const parts = new PartFiller(intake, Math.min(partBytes, maxBytes));
  try {
    const first = await parts.next();
    if (intake.refusal !== undefined) return intake.result();
    if (parts.isLast) await putWhole(deps, key, first);
    else await putInParts(deps, key, first, parts, intake);
    return intake.result();
  } catch (error) {
    await intake.endEarly();
    if (isNoRoom(error)) return { ok: false, code: 'BLOB_STORE_FULL' };
    throw error;
  }
}

/** Cuts a body into parts of one size, without asking the body for more than the part needs. */
class PartFiller {
  readonly #intake: Intake;
  readonly #partBytes: number;
  #rest: Uint8Array = new Uint8Array();
  #ended = false;

  constructor(intake: Intake, partBytes: number) {
    this.#intake = intake;
    this.#partBytes = partBytes;
  }

  get isLast(): boolean {
    return this.#ended && this.#rest.length === 0;
  }

  /** A buffer of its own. Shorter than the others only at the end of the body. */
  async next(): Promise<Uint8Array> {
    const part = Buffer.allocUnsafeSlow(this.#partBytes);
    let filled = 0;
    while (filled < part.length) {
      if (this.#rest.length === 0) {
        const chunk = await this.#intake.next();
        this.#ended = chunk === undefined;
        if (chunk === undefined) break;
        this.#rest = chunk;
      }
      const taken = this.#rest.subarray(0, part.length - filled);
      part.set(taken, filled);
      filled += taken.length;
      this.#rest = this.#rest.subarray(taken.length);
    }
    await this.#lookAhead();
    return part.subarray(0, filled);
  }

  /** A part that happens to be full may be the last: the body knows. */
  async #lookAhead(): Promise<void> {
    while (this.#rest.length === 0 && !this.#ended) {
      const chunk = await this.#intake.next();
      this.#ended = chunk === undefined;
      this.#rest = chunk ?? this.#rest;
    }
  }
}

async function putWhole(deps: UploadDeps, key: string, bytes: Uint8Array): Promise<void> {
  const { calls } = deps;
  const { client, bucket } = calls;
  const sum = createHash('sha256').update(bytes).digest('base64');
  const command = new PutObjectCommand({
    Bucket: bucket,
    Key: key,
    Body: bytes,
    ContentLength: bytes.length,
    ChecksumSHA256: sum,
  });
  const stored = await calls.run((options) => client.send(command, options), bytes.length);
  const parts = [{ size: bytes.length, sum }];
  await assertStored(deps, key, { sum, parts }, { sum: stored.ChecksumSHA256, etag: stored.ETag });
}

async function putInParts(
  deps: UploadDeps,
  key: string,
  first: Uint8Array,
  parts: PartFiller,
  intake: Intake,
): Promise<void> {
  const { calls } = deps;
  const upload = await beginUpload(calls, key);
  try {
    const sent: Part[] = [];
    for (let part: Uint8Array | undefined = first; part !== undefined;) {
      const [stored, following]: [Part, Uint8Array | undefined] = await Promise.all([
        sendPart(calls, upload, sent.length + 1, part),
        parts.isLast ? undefined : parts.next(),
      ]);
      if (intake.refusal !== undefined) return await abortUpload(deps, upload);
      sent.push(stored);
      part = following;
    }
    await completeUpload(deps, upload, sent);
  } catch (error) {
    await abortUpload(deps, upload);
    throw error;
  }
}

/** What names an upload in every call of it. */
interface Upload {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string;
}

async function beginUpload({ run, client, bucket }: S3Calls, key: string): Promise<Upload> {
  const { UploadId } = await run((options) =>
    client.send(
      new CreateMultipartUploadCommand({ Bucket: bucket, Key: key, ChecksumAlgorithm: 'SHA256' }),
      options,
    ),
  );
  if (UploadId === undefined)
    throw new BlobError('BLOB_STORE_UNAVAILABLE', 'S3 began an upload without a name');
  return { Bucket: bucket, Key: key, UploadId };
}

async function sendPart(
  { run, client }: S3Calls,
  upload: Upload,
  number: number,
  bytes: Uint8Array,
): Promise<Part> {
  const sum = createHash('sha256').update(bytes).digest('base64');
  const command = new UploadPartCommand({
    ...upload,
    PartNumber: number,
    Body: bytes,
    ContentLength: bytes.length,
    ChecksumSHA256: sum,
  });
  const { ETag } = await run((options) => client.send(command, options), bytes.length);
  if (ETag === undefined) throw new BlobError('BLOB_STORE_UNAVAILABLE', 'S3 stored a part without a tag');
  return { PartNumber: number, ETag, ChecksumSHA256: sum, size: bytes.length };
}

async function completeUpload(deps: UploadDeps, upload: Upload, parts: readonly Part[]): Promise<void> {
  const { calls } = deps;
  const hash = createHash('sha256');
  for (const { ChecksumSHA256 } of parts) hash.update(Buffer.from(ChecksumSHA256, 'base64'));
  const sum = `${hash.digest('base64')}-${parts.length}`;
  const completed = await calls.unless(new Set(['NoSuchUpload']), (options) =>
    calls.client.send(
      new CompleteMultipartUploadCommand({
        ...upload,
        MultipartUpload: {
          Parts: parts.map(({ PartNumber, ETag, ChecksumSHA256 }) => ({ PartNumber, ETag, ChecksumSHA256 })),
        },
      }),
      options,
    ),
  );
  // An answer was lost and the client asked again: the upload is over because it is complete, or because it was aborted.
  if (completed === undefined && (await askStored(calls, upload.Key)).sum !== sum) {
    throw new BlobError('BLOB_STORE_UNAVAILABLE', 'the upload ended before it was complete');
  }
  if (completed === undefined) return;
  const sums = { sum, parts: parts.map((part) => ({ size: part.size, sum: part.ChecksumSHA256 })) };
  await assertStored(deps, upload.Key, sums, { sum: completed.ChecksumSHA256, etag: completed.ETag });
}

/** What the server says of an object. */
interface Stored {
  readonly sum: string | undefined;
  readonly etag: string | undefined;
}

async function askStored({ unless, client, bucket }: S3Calls, key: string): Promise<Stored> {
  const head = await unless(noSuchObject, (options) =>
    client.send(new HeadObjectCommand({ Bucket: bucket, Key: key, ChecksumMode: 'ENABLED' }), options),
  );
  return { sum: head?.ChecksumSHA256, etag: head?.ETag };
}

/** S3 has refused octets with another sum; this is for a server that stores something else than it was given, or may. */
async function assertStored(
  { calls, onNoSum }: UploadDeps,
  key: string,
  sent: { readonly sum: string; readonly parts: readonly SentPart[] },
  said: Stored,
): Promise<void> {
  // Some say it only when they are asked.
  const asked = said.sum === undefined ? await askStored(calls, key) : said;
  const stored = asked.etag === said.etag ? asked : said;
  if (stored.sum === sent.sum) return;
  if (stored.sum === undefined) {
    onNoSum();
    if (said.etag === undefined)
      throw new BlobError('BLOB_STORE_UNAVAILABLE', 'S3 stored a blob without a tag');
    if (await isReadBack(calls, key, said.etag, sent.parts)) return;
  }
  const { run, client, bucket } = calls;
  await run((options) => client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }), options));
  throw new BlobError('BLOB_STORE_UNAVAILABLE', 'S3 has stored something else than it was given');
}

async function abortUpload({ calls: { run, client }, log }: UploadDeps, upload: Upload): Promise<void> {
  try {
    await run((options) => client.send(new AbortMultipartUploadCommand(upload), options));
  } catch (err) {
    log.warn({ err }, 'the parts of a broken upload could not be deleted; they are collected later');
  }
}
