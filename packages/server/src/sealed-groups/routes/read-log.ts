/** `getFrames`, `getTree`, `getPath`, `getLeaves`, `subscribe`: what a read token opens. */
import type { FastifyInstance } from 'fastify';
import { encodeMerklePath, encodeTree, toLeafIndex } from '@conclave/sealed-group';
import type { PublicTree } from '@conclave/sealed-group';
import { ApiError } from '../../errors/api-error.ts';
import { channelOf } from '../announce.ts';
import { buildTree } from '../group-cache.ts';
import type { ReadableGroup } from '../read-access.ts';
import type { SealedGroupContext } from '../sealed-groups-feature.ts';
import { readInteger } from './path-ids.ts';

type Route = { Params: { groupId: string }; Querystring: Record<string, unknown> };

const maxFramesPerPage = 500;
/** A page ends before it is larger, unless its one frame is. */
const maxPageBytes = 4 * 1024 * 1024;
const base = '/_conclave/sealed/v1/groups/:groupId';

export function addReadLogRoutes(app: FastifyInstance, context: SealedGroupContext): void {
  const { rows, cache, reading } = context;
  const config = { rateLimit: 'groupRead' } as const;

  app.get<Route>(`${base}/frames`, { config }, async (request) => {
    const { groupId, row } = await reading.require(request.params.groupId, request.headers.authorization);
    const after = readInteger('after', request.query['after'], {
      min: 0,
      max: Number.MAX_SAFE_INTEGER,
      fallback: 0,
    });
    const limit = readInteger('limit', request.query['limit'], {
      min: 1,
      max: maxFramesPerPage,
      fallback: 100,
    });
    const frames = await rows.listFrames(groupId, after, limit, maxPageBytes);
    return {
      frames: frames.map(({ seq, epoch, frame }) => ({
        seq,
        epoch,
        frame: Buffer.from(frame).toString('base64'),
      })),
      last_seq: row.lastSeq,
    };
  });

  app.get<Route>(`${base}/tree`, { config }, async (request, reply) => {
    const group = await reading.require(request.params.groupId, request.headers.authorization);
    const { epoch: current } = group.row;
    const epoch = readInteger('epoch', request.query['epoch'], {
      min: 0,
      max: Number.MAX_SAFE_INTEGER,
      fallback: current,
    });
    const octets =
      epoch === current
        ? await currentTree(group, encodeTree)
        : await buildTree(rows, group.groupId, epoch).then((built) => built && encodeTree(built.tree));
    if (octets === undefined) throw new ApiError('CONCLAVE_NO_SUCH_EPOCH', 'There is no tree of this epoch');
    return reply
      .type('application/octet-stream')
      .header('x-conclave-epoch', String(epoch))
      .send(Buffer.from(octets));
  });

  app.get<Route>(`${base}/tree/path`, { config }, async (request, reply) => {
    const group = await reading.require(request.params.groupId, request.headers.authorization);
    const leaf = readInteger('leaf', request.query['leaf'], { min: 0, max: 2 ** 20 - 1 });
    const path = await currentTree(group, (tree) => {
      const index = toLeafIndex(leaf, tree.leafCount);
      return index === undefined ? undefined : encodeMerklePath(tree, index);
    });
    if (path === undefined) throw new ApiError('CONCLAVE_NO_SUCH_LEAF', 'There is no leaf at this index');
    return reply
      .type('application/octet-stream')
      .header('x-conclave-epoch', String(group.row.epoch))
      .send(Buffer.from(path));
  });

  app.get<Route>(`${base}/leaves`, { config }, async (request) => {
    const { groupId } = await reading.require(request.params.groupId, request.headers.authorization);
    const leaves = await rows.listLeaves(groupId);
    return {
      leaves: leaves.map(({ leaf, leafEpoch, signature }) => ({
        leaf,
        leaf_epoch: leafEpoch,
        signature: Buffer.from(signature).toString('base64url'),
      })),
    };
  });

  app.post<Route>(`${base}/subscription`, { config, bodyLimit: 1_024 }, async (request) => {
    const group = await reading.require(request.params.groupId, request.headers.authorization);
    const channel = channelOf(group.groupId, group.lastRemovalEpoch);
    const { connectionToken, subscriptionToken, expiresAtMs } = await context.issueSubscription(channel);
    return {
      channel,
      connection_token: connectionToken,
      subscription_token: subscriptionToken,
      expires_at: expiresAtMs,
      last_seq: group.row.lastSeq,
    };
  });

  /** What `look` makes of the tree at once: the next commit changes it in place. */
  function currentTree<T>(
    { groupId, row }: ReadableGroup,
    look: (tree: PublicTree) => T,
  ): Promise<T | undefined> {
    return cache.use(groupId, row, ({ group }) => look(group.tree));
  }
}
