/** Operator command about the master keys of blobs: which there are, and how many data keys each of them wraps. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { BlobKeyStatus } from '../server/open-blobs.ts';
import { ApiError } from '../errors/api-error.ts';

export const blobKeyPaths = { blobKeys: '/_conclave/operator/v1/blob_keys' } as const;

export function addBlobKeyRoutes(
  app: FastifyInstance,
  guarded: { readonly onRequest: (request: FastifyRequest) => Promise<void> },
  /** Undefined where blobs are not encrypted. */
  status: (() => Promise<BlobKeyStatus>) | undefined,
): void {
  app.get(blobKeyPaths.blobKeys, guarded, async () => {
    if (status === undefined)
      throw new ApiError('M_INVALID_PARAM', 'Blobs are not encrypted: set blobs.masterKeysFile');
    const { current, keys } = await status();
    return {
      current,
      keys: keys.map(({ id, dataKeys, isInRing }) => ({ id, data_keys: dataKeys, in_ring: isInRing })),
    };
  });
}
