/** Operator commands about the move of attachments: asking for it, and how far it is. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ApiError } from '../errors/api-error.ts';
import { parseBody } from '../http/parse-input.ts';
import type { BlobMover } from '../move-blobs/blob-mover.ts';

export const blobMovePaths = { blobMove: '/_conclave/operator/v1/blob_move' } as const;

const beginSchema = z.strictObject({ concurrency: z.int().min(1).max(64) });

export function addBlobMoveRoutes(
  app: FastifyInstance,
  guarded: { readonly onRequest: (request: FastifyRequest) => Promise<void> },
  mover: BlobMover,
): void {
  const describe = async () => {
    const status = await mover.status();
    return {
      engine: status.engine,
      previous: status.previous,
      encrypted: status.isEncrypted,
      begun_at_ms: status.begunAtMs,
      finished_at_ms: status.finishedAtMs,
      total: status.total,
      verified: status.verified,
      problems: status.problems,
      some_problems: status.someProblems.map(({ storageKey, problem }) => ({
        storage_key: storageKey,
        problem,
      })),
    };
  };

  app.get(blobMovePaths.blobMove, guarded, describe);

  app.post(blobMovePaths.blobMove, guarded, async (request) => {
    const { concurrency } = parseBody(beginSchema, request);
    if (!(await mover.begin(concurrency))) {
      throw new ApiError(
        'M_INVALID_PARAM',
        'Nothing is to be moved: set blobs.previous or blobs.masterKeysFile',
      );
    }
    return await describe();
  });
}
