/**
 * Where attachments are kept: a folder or a bucket, and around it, if the settings name master keys, encryption at rest.
 *
 *   sealed groups ─▶ encryption ─┬────────────────────────────▶ disk
 *                      │         └─▶ small ones in a cache ───▶ S3
 *                      │                        and, during a move, the disk for what is not there
 *                      └─ data keys: rows of the database, wrapped by the master keys of a file
 *
 * A small attachment (a roster, a thumbnail) is fetched by all members of a group within seconds. Each has a storage key of its
 * own for ever and a row that says that it is there, so a cache that was not told of a deletion gives nothing to anybody.
 */
import { join, resolve } from 'node:path';
import {
  cacheBlobs,
  fallBack,
  octetsCodec,
  openDiskBlobStore,
  systemClock,
  type BlobStore,
  type Store,
} from '@conclave/platform';
import {
  blobKeysOf,
  encryptBlobs,
  type EncryptedBlobStore,
  MasterKeysError,
  openMasterKeys,
  type MasterKeys,
} from '@conclave/platform/blob-encryption';
import type { Job } from '../jobs/supervised-jobs.ts';
import type { MoveViews } from '../move-blobs/move-blobs.ts';
import type { ServerDatabase } from '../schema/server-database.ts';
import { readSecretFile } from '../secrets/secret-file.ts';
import { SecretsFileError } from '../secrets/server-secrets.ts';
import type { EngineDeps, SharedMemory } from './open-engines.ts';

export interface OpenBlobs {
  readonly blobs: BlobStore;
  /** What is to be done now and again, by one process of the installation at a time. */
  readonly jobs: readonly Omit<Job, 'intervalMs'>[];
  /** What a move of attachments works with; undefined where there is nothing to move. */
  readonly moveViews: MoveViews | undefined;
  /** Undefined where blobs are not encrypted. */
  readonly keyStatus: (() => Promise<BlobKeyStatus>) | undefined;
}

export interface BlobKeyStatus {
  readonly current: string;
  readonly keys: readonly {
    readonly id: string;
    /** How many data keys it wraps. With none, and if it is not the current one, it may go. */
    readonly dataKeys: number;
    /** False: blobs that need it cannot be read. */
    readonly isInRing: boolean;
  }[];
}

/** Far longer than the largest upload takes. */
const staleUploadMs = 24 * 60 * 60 * 1000;

const MiB = 1024 * 1024;

/** What the cache may take: in this process, and what this process adds to Redis. */
const smallBlobs = {
  name: 'blobs',
  maxBytes: 64 * MiB,
  maxSharedBytes: 64 * MiB,
  maxValueBytes: MiB / 4,
  ttlMs: 10 * 60 * 1000,
  sizeOf: (octets: Uint8Array) => octets.length,
  codec: octetsCodec,
};

/** Throws {@link SecretsFileError} for a file of master keys that cannot be used. */
export async function openBlobs(
  deps: EngineDeps,
  { store, shared }: { readonly store: Store<ServerDatabase>; readonly shared: SharedMemory },
): Promise<OpenBlobs> {
  const { masterKeysFile, previous } = deps.config.blobs;
  const { current, uncached, jobs } = await openEngine(deps, shared);
  const before = previous === null ? undefined : await openDisk(deps);
  const serving = before === undefined ? current : fallBack(current, before);
  if (masterKeysFile === null) {
    const readBack = {
      get: uncached.get.bind(uncached),
      formOf: async (key: string) => await plainFormOf(uncached, key),
    };
    const moveViews = before && { target: current, readBack, previous: before, serving, sealed: false };
    return { blobs: serving, jobs, moveViews, keyStatus: undefined };
  }
  const { clock, random, log } = deps;
  const masterKeys = await openRing(masterKeysFile);
  const encrypt = (inner: BlobStore) =>
    encryptBlobs(inner, { store: blobKeysOf(store), masterKeys, clock, random, log });
  const blobs = encrypt(serving);
  return {
    blobs,
    moveViews: {
      target: encrypt(current),
      readBack: encrypt(uncached),
      previous: before && decrypted(before, encrypt(before)),
      serving: blobs,
      sealed: true,
    },
    jobs: [
      ...jobs,
      { name: 'data keys of older master keys', run: (signal) => blobs.rewrapDataKeys(signal) },
      { name: 'data keys without a blob', run: (signal) => blobs.collectDataKeys(signal) },
    ],
    async keyStatus() {
      const [ids, usage] = await Promise.all([masterKeys.ids(), blobs.dataKeyUsage()]);
      return {
        current: ids[0]!,
        keys: [...new Set([...ids, ...usage.keys()])].map((id) => ({
          id,
          dataKeys: usage.get(id) ?? 0,
          isInRing: ids.includes(id),
        })),
      };
    },
  };
}

async function openDisk({ config }: EngineDeps): Promise<BlobStore> {
  return await openDiskBlobStore({ folder: join(resolve(config.dataDirectory), 'attachments') });
}

/** Without encryption there is one form. */
async function plainFormOf(blobs: BlobStore, key: string): Promise<'plain' | undefined> {
  const reader = await blobs.get(key);
  await reader?.[Symbol.asyncDispose]();
  return reader && 'plain';
}

/**
 * The place from which attachments are moved. One that is plain there is read as such, though it may have a data key already: of
 * the copy that a move has begun.
 */
function decrypted(raw: BlobStore, sealed: EncryptedBlobStore): Pick<BlobStore, 'get'> {
  return {
    get: async (key, range) =>
      (await sealed.formOf(key)) === 'plain' ? await raw.get(key, range) : await sealed.get(key, range),
  };
}

async function openEngine(
  deps: EngineDeps,
  shared: SharedMemory,
): Promise<{ readonly current: BlobStore; readonly uncached: BlobStore; readonly jobs: OpenBlobs['jobs'] }> {
  const { config, log, lifecycle } = deps;
  const { blobs } = config;
  if (blobs.engine === 'disk') {
    const disk = await openDisk(deps);
    return { current: disk, uncached: disk, jobs: [] };
  }
  const { openS3BlobStore } = await import('@conclave/platform/s3');
  const opened = lifecycle.own(
    'blobs',
    openS3BlobStore({
      endpoint: blobs.endpoint,
      region: blobs.region,
      bucket: blobs.bucket!,
      accessKeyId: blobs.accessKeyId!,
      secretAccessKey: readSecretFile(blobs.secretAccessKeyFile!),
      pathStyle: blobs.pathStyle,
      // S3 lives in real time, whatever time a test says it is.
      clock: systemClock,
      log,
    }),
  );
  const run = () => opened.collectStaleUploads({ olderThanMs: staleUploadMs });
  const cache = await shared.createCache(smallBlobs);
  return {
    current: cacheBlobs(opened, cache, smallBlobs.maxValueBytes),
    uncached: opened,
    jobs: [{ name: 'stale uploads', run }],
  };
}

async function openRing(file: string): Promise<MasterKeys> {
  try {
    return await openMasterKeys(file);
  } catch (error) {
    if (!(error instanceof MasterKeysError)) throw error;
    const remedy =
      error.code === 'MASTER_KEYS_EXPOSED'
        ? 'Keep it from them, and rotate the keys if they may have read it: conclave admin blob-keys --help'
        : 'Restore it from a backup. A new ring opens no blob that is there: conclave admin blob-keys create';
    throw new SecretsFileError(error.message, remedy, { cause: error });
  }
}
