/**
 * Where attachments are kept: a folder or a bucket, and around it, if the settings name master keys, encryption at rest.
 *
 *   sealed groups ─▶ encryption ─┬────────────────────────────▶ disk
 *                      │         └─▶ small ones in a cache ───▶ S3
 *                      └─ data keys: rows of the database, wrapped by the master keys of a file
 *
 * A small attachment (a roster, a thumbnail) is fetched by all members of a group within seconds. Each has a storage key of its
 * own for ever and a row that says that it is there, so a cache that was not told of a deletion gives nothing to anybody.
 */
import { join, resolve } from 'node:path';
import {
  cacheBlobs,
  octetsCodec,
  openDiskBlobStore,
  systemClock,
  type BlobStore,
  type Store,
} from '@conclave/platform';
import {
  blobKeysOf,
  encryptBlobs,
  MasterKeysError,
  openMasterKeys,
  type MasterKeys,
} from '@conclave/platform/blob-encryption';
import type { Job } from '../jobs/supervised-jobs.ts';
import type { ServerDatabase } from '../schema/server-database.ts';
import { readSecretFile } from '../secrets/secret-file.ts';
import { SecretsFileError } from '../secrets/server-secrets.ts';
import type { EngineDeps, SharedMemory } from './open-engines.ts';

export interface OpenBlobs {
  readonly blobs: BlobStore;
  /** What is to be done now and again, by one process of the installation at a time. */
  readonly jobs: readonly Omit<Job, 'intervalMs'>[];
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
  const { masterKeysFile } = deps.config.blobs;
  const plain = await openEngine(deps, shared);
  if (masterKeysFile === null) return { ...plain, keyStatus: undefined };
  const { clock, random, log } = deps;
  const masterKeys = await openRing(masterKeysFile);
  const blobs = encryptBlobs(plain.blobs, { store: blobKeysOf(store), masterKeys, clock, random, log });
  return {
    blobs,
    jobs: [
      ...plain.jobs,
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

async function openEngine(
  { config, log, lifecycle }: EngineDeps,
  shared: SharedMemory,
): Promise<Pick<OpenBlobs, 'blobs' | 'jobs'>> {
  const { blobs } = config;
  if (blobs.engine === 'disk') {
    return {
      blobs: await openDiskBlobStore({ folder: join(resolve(config.dataDirectory), 'attachments') }),
      jobs: [],
    };
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
    blobs: cacheBlobs(opened, cache, smallBlobs.maxValueBytes),
    jobs: [{ name: 'stale uploads', run }],
  };
}

async function openRing(file: string): Promise<MasterKeys> {
  try {
    return await openMasterKeys(file);
  } catch (error) {
    if (!(error instanceof MasterKeysError)) throw error;
    throw new SecretsFileError(
      error.message,
      'Restore it from a backup. A new ring opens no blob that is there: conclave admin blob-keys create',
      {
        cause: error,
      },
    );
  }
}
