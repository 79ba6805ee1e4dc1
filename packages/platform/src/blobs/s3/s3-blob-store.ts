/**
 * Blobs in a bucket of S3, or of a server that speaks its protocol, for any number of processes. A blob's key is its object's.
 *
 * The bucket exists, and holds nothing else. It has no versions: a deleted blob would only be hidden.
 */
import {
  DeleteObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3';
import type { Clock } from '../../clock/clock.ts';
import type { Log } from '../../log/log.ts';
import { assertBlobKey, assertRange, isBlobKey, type BlobStore } from '../blob-store.ts';
import { createS3Calls, defaultS3Limits, noSuchObject, type S3Limits, type S3Settings } from './s3-calls.ts';
import { openS3Download } from './s3-download.ts';
import { collectStaleUploads } from './s3-stale-uploads.ts';
import { uploadToS3 } from './s3-upload.ts';

export interface S3BlobStoreDeps extends S3Settings {
  /** Real time: S3 has no other. */
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: Partial<S3Limits>;
}

export interface S3BlobStore extends BlobStore {
  /** For readiness: rejects with BlobError `BLOB_STORE_UNAVAILABLE` unless the bucket is there and may be used. */
  check(): Promise<void>;
  /**
   * Deletes the parts of uploads that began more than `olderThanMs` ago and never ended; resolves with how many there were.
   * For a job that runs in one process at a time. Rejects with BlobError.
   */
  collectStaleUploads(options: { readonly olderThanMs: number; readonly prefix?: string }): Promise<number>;
  /** Closes idle connections. */
  close(): void;
}

export function openS3BlobStore(deps: S3BlobStoreDeps): S3BlobStore {
  const { clock, log } = deps;
  const calls = createS3Calls(deps, clock, { ...defaultS3Limits, ...deps.limits });
  const { client, bucket } = calls;
  let isSaid = false;
  const onNoSum = (): void => {
    if (isSaid) return;
    isSaid = true;
    log.warn(
      {},
      'S3 does not say the SHA-256 of what it stores: every upload is read once more, which takes twice as long',
    );
  };

  return {
    async put(key, body, limits) {
      assertBlobKey(key);
      return await uploadToS3({ calls, log, onNoSum }, key, body, limits);
    },

    async get(key, range) {
      assertBlobKey(key);
      assertRange(range);
      return await openS3Download(calls, key, range);
    },

    /** S3 does not say whether there was one, so it is asked before: of two that delete at once, both may hear yes. */
    async delete(key) {
      assertBlobKey(key);
      const head = await calls.unless(noSuchObject, (options) =>
        client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }), options),
      );
      if (head === undefined) return false;
      await calls.run((options) =>
        client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }), options),
      );
      return true;
    },

    /** Goes on after a key, and not by S3's token: that is good for a while only. */
    async listPage(prefix, from) {
      const page = await calls.run((options) =>
        client.send(
          new ListObjectsV2Command({
            Bucket: bucket,
            Prefix: prefix,
            ...(from === undefined ? {} : { StartAfter: from }),
          }),
          options,
        ),
      );
      const found = (page.Contents ?? []).flatMap(({ Key }) => (Key === undefined ? [] : [Key]));
      return { keys: found.filter(isBlobKey), next: page.IsTruncated === true ? found.at(-1) : undefined };
    },

    async check() {
      await calls.run((options) => client.send(new HeadBucketCommand({ Bucket: bucket }), options));
    },

    collectStaleUploads: (options) => collectStaleUploads(calls, options),

    close: () => client.destroy(),
  };
}
