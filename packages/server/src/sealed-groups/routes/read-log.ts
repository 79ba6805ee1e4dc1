/** `getFrames`, `getTree`, `getPath`, `getLeaves`, `subscribe`: what a read token opens. */
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { ApiError } from '../../errors/api-error.ts';
import { channelOf } from '../announce.ts';
import type { SealedGroupContext } from '../sealed-groups-feature.ts';
import { readPath, requireEpoch, streamTree } from '../stored-tree.ts';
import { readInteger } from './path-ids.ts';

type Route = { Params: { groupId: string }; Querystring: Record<string, unknown> };

const maxFramesPerPage = 500;
/** A page ends before it is larger, unless its one frame is. */
const maxPageBytes = 4 * 1024 * 1024;
const anyEpoch = { min: 0, max: Number.MAX_SAFE_INTEGER } as const;
const base = '/_conclave/sealed/v1/groups/:groupId';

export function addReadLogRoutes(app: FastifyInstance, context: SealedGroupContext): void {
  const { rows, trees, reading } = context;
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
    const { groupId, row } = await reading.require(request.params.groupId, request.headers.authorization);
    const epoch = readInteger('epoch', request.query['epoch'], { ...anyEpoch, fallback: row.epoch });
    const made = await requireEpoch(trees, groupId, epoch);
    return reply
      .type('application/octet-stream')
      .header('x-conclave-epoch', String(epoch))
      .send(Readable.from(streamTree(trees, groupId, epoch, made), { objectMode: false }));
  });

  app.get<Route>(`${base}/tree/path`, { config }, async (request, reply) => {
    const { groupId, row } = await reading.require(request.params.groupId, request.headers.authorization);
    const leaf = readInteger('leaf', request.query['leaf'], { min: 0, max: 2 ** 20 - 1 });
    const epoch = readInteger('epoch', request.query['epoch'], { ...anyEpoch, fallback: row.epoch });
    const path = await readPath(trees, groupId, epoch, leaf);
    if (path === undefined) throw new ApiError('CONCLAVE_NO_SUCH_LEAF', 'There is no leaf at this index');
    return reply
      .type('application/octet-stream')
      .header('x-conclave-epoch', String(epoch))
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
      ...(context.gatewayUrl === undefined ? {} : { gateway_url: context.gatewayUrl }),
    };
  });
}
