/** For servers that do not say what they have stored: the blob is read once more and compared, part by part, with what was sent. */
import { createHash } from 'node:crypto';
import { openS3Download } from './s3-download.ts';
import type { S3Calls } from './s3-calls.ts';

export interface SentPart {
  readonly size: number;
  /** SHA-256, in base64. */
  readonly sum: string;
}

/**
 * Whether the object is the parts, one after the other. True as well when it is no longer the version that `etag` names: another
 * upload has replaced it, and looks after itself. Rejects with BlobError.
 */
export async function isReadBack(
  calls: S3Calls,
  key: string,
  etag: string,
  parts: readonly SentPart[],
): Promise<boolean> {
  await using reader = await openS3Download(calls, key, undefined);
  if (reader?.etag !== undefined && reader.etag !== etag) return true;
  if (reader?.size !== parts.reduce((sum, { size }) => sum + size, 0)) return reader === undefined;
  const left = [...parts];
  let hash = createHash('sha256');
  let filled = 0;
  for await (const chunk of reader.body) {
    for (let rest: Uint8Array = chunk; rest.length > 0;) {
      const [part] = left;
      if (part === undefined) return false;
      const taken = rest.subarray(0, part.size - filled);
      hash.update(taken);
      filled += taken.length;
      rest = rest.subarray(taken.length);
      if (filled < part.size) continue;
      if (hash.digest('base64') !== part.sum) return false;
      left.shift();
      hash = createHash('sha256');
      filled = 0;
    }
  }
  return left.every(({ size }) => size === 0);
}
