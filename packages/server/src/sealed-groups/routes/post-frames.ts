/** `createGroup` and `postFrame`: the two ways in for frames. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { frameLimits } from '@conclave/sealed-group';
import { ApiError } from '../../errors/api-error.ts';
import { plainBytes } from '../plain-bytes.ts';
import { notEligibleError } from '../rule-errors.ts';
import type { SealedGroupContext } from '../sealed-groups-feature.ts';
import { isGroupId } from './path-ids.ts';

/** One byte more than a frame may have, so that the protocol's own answer is given at the edge. */
const bodyLimit = frameLimits.maxFrameBytes + 1;

export function addPostFramesRoutes(app: FastifyInstance, context: SealedGroupContext): void {
  app.post(
    '/_conclave/sealed/v1/groups',
    { bodyLimit, config: { rateLimit: 'groupCreate' } },
    async (request, reply) => {
      const creator = await context.requireAccount(request);
      const { groupId, seq, epoch } = await context.createGroup(creator, octetsOf(request));
      context.metrics.accepted('create');
      return reply.code(201).send({ group_id: groupId, seq, epoch });
    },
  );

  app.post<{ Params: { groupId: string } }>(
    '/_conclave/sealed/v1/groups/:groupId/frames',
    { bodyLimit, config: { rateLimit: 'framePost' } },
    async (request) => {
      const { groupId } = request.params;
      const octets = octetsOf(request);
      if (!isGroupId(groupId)) throw notEligibleError();
      const { seq, epoch } = await context.acceptFrame(groupId, octets);
      context.metrics.accepted('frame');
      return { seq, epoch };
    },
  );
}

function octetsOf({ body }: FastifyRequest): Uint8Array {
  if (body instanceof Uint8Array) return plainBytes(body);
  throw new ApiError('CONCLAVE_UNSUPPORTED_MEDIA_TYPE', 'Send the frame as application/octet-stream');
}
