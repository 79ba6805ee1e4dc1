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
      const { groupId, seq, epoch } = await counted('create', () =>
        context.createGroup(creator, octetsOf(request)),
      );
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
      const { seq, epoch } = await counted('frame', () => context.acceptFrame(groupId, octets));
      return { seq, epoch };
    },
  );

  async function counted<T>(kind: 'create' | 'frame', judge: () => Promise<T>): Promise<T> {
    const startedAtMs = performance.now();
    try {
      const accepted = await judge();
      context.metrics.accepted(kind, performance.now() - startedAtMs);
      return accepted;
    } catch (error) {
      if (error instanceof ApiError) context.metrics.refused(kind, error.code);
      throw error;
    }
  }
}

function octetsOf({ body }: FastifyRequest): Uint8Array {
  if (body instanceof Uint8Array) return plainBytes(body);
  throw new ApiError('CONCLAVE_UNSUPPORTED_MEDIA_TYPE', 'Send the frame as application/octet-stream');
}
