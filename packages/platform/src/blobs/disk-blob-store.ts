/**
 * Blobs on a disk, in one folder:
 *
 *   ROOT/blobs/ab/KEY…    whole blobs, under the first two hex digits of the key's hash, so no folder grows huge
 *   ROOT/incoming/        uploads under way; whatever is there at the start was broken off
 *
 *   put ─▶ incoming/N, hashed while written ─▶ fsync ─▶ rename to its place ─▶ fsync of the folder ─▶ ok
 *             └ too large, broken off, no room: unlinked
 *
 * Invariants: a blob is visible only as a whole; `ok` means it survives losing power; a refused upload leaves
 * nothing. One process per folder, as for the database.
 */
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, unlink, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  assertBlobKey,
  assertRange,
  BlobError,
  partOf,
  type BlobPage,
  type BlobReader,
  type BlobStore,
  type ByteRange,
  type PutLimits,
  type PutResult,
} from './blob-store.ts';
import { Intake } from './intake.ts';

const READ_CHUNK_BYTES = 64 * 1024;
const PAGE_KEYS = 1_000;

/** Opens the folder, creates it if it is missing, and clears what broken-off uploads left. */
export async function openDiskBlobStore(deps: { readonly folder: string }): Promise<BlobStore> {
  const incoming = join(deps.folder, 'incoming');
  try {
    await rm(incoming, { recursive: true, force: true });
    await mkdir(incoming, { recursive: true, mode: 0o700 });
    await mkdir(join(deps.folder, 'blobs'), { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw unavailable(cause);
  }
  return new DiskBlobStore(deps.folder, incoming);
}

class DiskBlobStore implements BlobStore {
  readonly #blobs: string;
  readonly #incoming: string;
  #uploads = 0;

  constructor(folder: string, incoming: string) {
    this.#blobs = join(folder, 'blobs');
    this.#incoming = incoming;
  }

  async put(key: string, body: AsyncIterable<Uint8Array>, limits: PutLimits): Promise<PutResult> {
    const target = this.#pathOf(key);
    const temporary = join(this.#incoming, String((this.#uploads += 1)));
    try {
      const received = await receive(temporary, body, limits);
      if (received.ok) await moveDurably(temporary, target);
      else await unlink(temporary);
      return received;
    } catch (cause) {
      await rm(temporary, { force: true });
      if (hasCode(cause, 'ENOSPC') || hasCode(cause, 'EDQUOT')) return { ok: false, code: 'BLOB_STORE_FULL' };
      throw unavailable(cause);
    }
  }

  async get(key: string, range?: ByteRange): Promise<BlobReader | undefined> {
    const path = this.#pathOf(key);
    assertRange(range);
    let file: FileHandle;
    try {
      file = await open(path, 'r');
    } catch (cause) {
      if (hasCode(cause, 'ENOENT')) return undefined;
      throw unavailable(cause);
    }
    try {
      const { size } = await file.stat();
      const part = partOf(size, range);
      return {
        size,
        range: part,
        body: readBetween(file, part?.start ?? 0, part?.end ?? -1),
        [Symbol.asyncDispose]: () => file.close(),
      };
    } catch (cause) {
      await file.close();
      throw unavailable(cause);
    }
  }

  async delete(key: string): Promise<boolean> {
    try {
      await unlink(this.#pathOf(key));
      return true;
    } catch (cause) {
      if (hasCode(cause, 'ENOENT')) return false;
      throw cause instanceof BlobError ? cause : unavailable(cause);
    }
  }

  /** A page is one folder or several whole ones; the next begins with the folder that `from` names. */
  async listPage(prefix: string, from = ''): Promise<BlobPage> {
    try {
      const keys: string[] = [];
      const shards = (await readdir(this.#blobs)).filter((shard) => shard >= from).toSorted();
      for (const shard of shards) {
        if (keys.length >= PAGE_KEYS) return { keys, next: shard };
        for (const name of await readdir(join(this.#blobs, shard))) {
          const key = decodeFileName(name);
          if (key.startsWith(prefix)) keys.push(key);
        }
      }
      return { keys, next: undefined };
    } catch (cause) {
      throw unavailable(cause);
    }
  }

  #pathOf(key: string): string {
    assertBlobKey(key);
    const shard = createHash('sha256').update(key).digest('hex').slice(0, 2);
    return join(this.#blobs, shard, encodeFileName(key));
  }
}

/** A key is one file name; `/` becomes `+`, which no key contains. */
function encodeFileName(key: string): string {
  return key.replaceAll('/', '+');
}

function decodeFileName(name: string): string {
  return name.replaceAll('+', '/');
}

/** Writes the body to a new file and syncs it. Throws what the file system throws; the body's errors are results. */
async function receive(path: string, body: AsyncIterable<Uint8Array>, limits: PutLimits): Promise<PutResult> {
  await using file = await open(path, 'wx', 0o600);
  const intake = new Intake(body, limits);
  let next = intake.next();
  try {
    for (let chunk = await next; chunk !== undefined; chunk = await next) {
      const written = writeWhole(file, chunk);
      // While a chunk is written, the next one arrives, is hashed and, if the body does that, encrypted.
      next = intake.next();
      await written;
    }
  } catch (error) {
    // It never rejects, and nothing is to be asked of the body before it has answered.
    await next;
    await intake.endEarly();
    throw error;
  }
  if (intake.refusal === undefined) await file.sync();
  return intake.result();
}

async function writeWhole(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let offset = 0; offset < chunk.length;) {
    const { bytesWritten } = await file.write(chunk, offset);
    offset += bytesWritten;
  }
}

/** A rename is atomic, and durable once the folder that holds the name is synced. */
async function moveDurably(from: string, to: string): Promise<void> {
  const folder = dirname(to);
  const created = await mkdir(folder, { recursive: true, mode: 0o700 });
  await rename(from, to);
  await syncFolder(folder);
  if (created !== undefined) await syncFolder(dirname(folder));
}

async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, 'r');
  await handle.sync();
}

/** Closes the file when it ends, however it ends. */
async function* readBetween(file: FileHandle, start: number, end: number): AsyncGenerator<Uint8Array> {
  let next: Promise<Uint8Array> | undefined;
  try {
    for (let position = start; position <= end;) {
      const chunk = await (next ?? readAt(file, position, end));
      position += chunk.length;
      // While somebody works on a chunk, the next one is read.
      next = position <= end ? readAt(file, position, end) : undefined;
      // Its failure is heard of when the chunk is asked for.
      next?.catch(() => undefined);
      yield chunk;
    }
  } finally {
    // What was read ahead is nobody's any more.
    await next?.catch(() => undefined);
    await file.close();
  }
}

async function readAt(file: FileHandle, position: number, end: number): Promise<Uint8Array> {
  const chunk = Buffer.allocUnsafeSlow(Math.min(READ_CHUNK_BYTES, end - position + 1));
  let bytesRead: number;
  try {
    ({ bytesRead } = await file.read(chunk, 0, chunk.length, position));
  } catch (cause) {
    throw unavailable(cause);
  }
  // Blobs are never truncated in place: this is a file that was tampered with.
  if (bytesRead === 0) throw new BlobError('BLOB_STORE_UNAVAILABLE', 'the blob is shorter than it was');
  return chunk.subarray(0, bytesRead);
}

function unavailable(cause: unknown): BlobError {
  return cause instanceof BlobError
    ? cause
    : new BlobError('BLOB_STORE_UNAVAILABLE', 'the blob folder cannot be used', { cause });
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
