/**
 * Parts of uploads whose process died are paid for and seen by nobody. This deletes those of uploads that began long ago.
 * A lifecycle rule of the bucket does the same; minio does it by itself after a day, and lists none that it is asked for.
 */
import { AbortMultipartUploadCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import type { S3Calls } from './s3-calls.ts';

/** Resolves with how many were ended. `prefix` narrows it to keys that begin so. */
export async function collectStaleUploads(
  calls: S3Calls,
  { olderThanMs, prefix = '' }: { readonly olderThanMs: number; readonly prefix?: string },
): Promise<number> {
  const { client, bucket, clock } = calls;
  const before = clock.nowMs() - olderThanMs;
  let ended = 0;
  let marker: { readonly KeyMarker?: string | undefined; readonly UploadIdMarker?: string | undefined } = {};
  for (;;) {
    const page = await calls.run((options) =>
      client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix, ...marker }), options),
    );
    for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
      if (Key === undefined || UploadId === undefined || !((Initiated?.getTime() ?? Infinity) < before))
        continue;
      const gone = await calls.unless(new Set(['NoSuchUpload']), (options) =>
        client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }), options),
      );
      if (gone !== undefined) ended++;
    }
    if (page.IsTruncated !== true || page.NextKeyMarker === undefined) return ended;
    marker = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
  }
}
