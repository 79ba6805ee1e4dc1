/** `putBlob`, `getBlob`, `deleteBlob`: encrypted attachments, streamed both ways. */
import { finished, Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { BlobError } from '@conclave/platform';
import { blobClaim } from '@conclave/sealed-group';
import { ApiError } from '../../errors/api-error.ts';
import { strangers } from '../accept-frame.ts';
import { notEligibleError } from '../rule-errors.ts';
import type { SealedGroupContext } from '../sealed-groups-feature.ts';
import { isGroupId, readBase64url, readInteger } from './path-ids.ts';

type Route = { Params: { groupId: string; blobId: string } };

const path = '/_conclave/sealed/v1/groups/:groupId/blobs/:blobId';

export async function addBlobRoutes(app: FastifyInstance, context: SealedGroupContext): Promise<void> {
  const { blobs, reading, metrics, log } = context;

  // Uploads are streamed: within these routes octets are not collected but handed on as they arrive.
  await app.register(async (streaming) => {
    streaming.removeContentTypeParser('application/octet-stream');
    streaming.addContentTypeParser('application/octet-stream', (_request, payload, done) =>
      done(null, payload),
    );
    streaming.put<Route>(
      path,
      { config: { rateLimit: 'blobPut' }, bodyLimit: context.settings.maxBlobBytes },
      async (request, reply) => {
        // What is refused before it was read ends the connection rather than be read to its end.
        reply.header('connection', 'close');
        const blob = await requireProof(context, request);
        const { body } = request;
        if (!(body instanceof Readable)) {
          throw new ApiError('CONCLAVE_UNSUPPORTED_MEDIA_TYPE', 'Send the blob as application/octet-stream');
        }
        await blobs.put(blob, body);
        reply.removeHeader('connection');
        return reply.code(201).send({ blob_id: blob.blobId, size: blob.size });
      },
    );
  });

  app.get<Route>(path, { config: { rateLimit: 'groupRead' } }, async (request, reply) => {
    const { groupId, blobId } = request.params;
    await reading.require(groupId, request.headers.authorization);
    readBase64url('blobId', blobId, 16, 32);
    const reader = await blobs.get(groupId, blobId);
    if (reader === undefined) throw goneError();
    const body = Readable.from(reader.body, { objectMode: false });
    // A stream that is destroyed before its first read never enters the reader's own clean-up. The client hears of an error
    // by the end of its connection.
    finished(body, (error) => {
      void reader[Symbol.asyncDispose]();
      if (!(error instanceof BlobError)) return;
      metrics.downloadBroken(error.code);
      log.error(
        { code: error.code, requestId: request.id, err: error },
        'a download of an attachment was broken off',
      );
    });
    return reply.type('application/octet-stream').header('content-length', String(reader.size)).send(body);
  });

  app.delete<Route>(path, { config: { rateLimit: 'groupRead' } }, async (request, reply) => {
    const { groupId, blobId } = request.params;
    const capability = readBase64url(
      'x-conclave-delete-capability',
      request.headers['x-conclave-delete-capability'],
      16,
      64,
    );
    readBase64url('blobId', blobId, 16, 32);
    if (!(await blobs.delete(groupId, blobId, capability))) throw goneError();
    return reply.code(204).send();
  });
}

/** What the headers say, once the epoch key has vouched for it. */
async function requireProof(context: SealedGroupContext, request: FastifyRequest<Route>) {
  const { groupId, blobId } = request.params;
  const { headers } = request;
  const { rows, cache, decoy, proofs, origin } = context;
  const { maxBlobBytes } = context.settings;
  const size = readInteger('content-length', headers['content-length'], {
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
  });
  if (size > maxBlobBytes)
    throw new ApiError('CONCLAVE_BLOB_QUOTA', `A blob has at most ${maxBlobBytes} bytes`);
  const epoch = readInteger('x-conclave-epoch', headers['x-conclave-epoch'], {
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
  });
  const sha256 = readBase64url('x-conclave-sha256', headers['x-conclave-sha256'], 32);
  const deleteHash = readBase64url('x-conclave-delete-hash', headers['x-conclave-delete-hash'], 32);
  const signature = readBase64url('x-conclave-proof', headers['x-conclave-proof'], 64);
  const blob = { blobId: readBase64url('blobId', blobId, 16, 32), sizeBytes: size, sha256 };
  const row = isGroupId(groupId) ? await rows.findGroup(groupId) : undefined;
  const stranger = decoy.standIn({
    origin,
    groupId: Uint8Array.from(Buffer.from(groupId, 'base64url')),
    epoch,
  });
  // An epoch without a key is looked for in the stand-in, as an unknown group is.
  const head = row === undefined ? stranger : cache.head(groupId, row).head;
  const known = head.epochKeys.some((key) => key.epoch === epoch) ? head : stranger;
  const claim = blobClaim(known, { epoch, blob, signature });
  const queue = row === undefined ? strangers : groupId;
  const proven = claim.ok && (await proofs.verify(queue, [claim.value])) === undefined;
  if (row === undefined || !proven) throw notEligibleError();
  return { groupId, blobId, size, sha256, deleteHash };
}

function goneError(): ApiError {
  return new ApiError('CONCLAVE_BLOB_GONE', 'There is no such blob');
}
