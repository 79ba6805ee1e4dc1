/** `getPreview`: what a newcomer reads before it has the tree. */
import type { FastifyInstance } from 'fastify';
import { encodePreviewPage } from '@conclave/sealed-group';
import type { Openings } from '../openings.ts';
import type { SealedGroupContext } from '../sealed-groups-feature.ts';
import { readInteger } from './path-ids.ts';

type Route = { Params: { groupId: string }; Querystring: Record<string, unknown> };

const any = { min: 0, max: Number.MAX_SAFE_INTEGER } as const;

export function addReadOpeningsRoutes(
  app: FastifyInstance,
  { reading }: Pick<SealedGroupContext, 'reading'>,
  openings: Openings,
): void {
  const config = { rateLimit: 'groupRead' } as const;
  app.get<Route>('/_conclave/sealed/v1/groups/:groupId/preview', { config }, async (request, reply) => {
    const { groupId, row } = await reading.require(request.params.groupId, request.headers.authorization);
    const { query } = request;
    const page = await openings.readPage({
      groupId,
      row,
      leaf: readInteger('leaf', query['leaf'], { min: 0, max: 2 ** 20 - 1 }),
      epoch: readInteger('epoch', query['epoch'], any),
      after: query['after'] === undefined ? undefined : readInteger('after', query['after'], any),
    });
    return reply.type('application/octet-stream').send(Buffer.from(encodePreviewPage(page)));
  });
}
