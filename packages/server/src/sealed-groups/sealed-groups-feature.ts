/**
 * The delivery service of sealed groups: verifies every frame, orders it, stores it, announces it, and serves readers who
 * prove membership. It never learns who they are (docs/decisions/0004-delivery-service.md).
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { issueConnectionToken, issueSubscriptionToken } from '@conclave/gateway';
import { noTracer } from '@conclave/platform';
import type { BlobStore, Clock, Log, Metrics, RandomSource, Store, Tracer } from '@conclave/platform';
import type { Suite } from '@conclave/sealed-group';
import type { Config } from '../config/config-schema.ts';
import type { ServerDatabase } from '../schema/server-database.ts';
import { createAcceptFrame } from './accept-frame.ts';
import type { AcceptFrame } from './accept-frame.ts';
import type { ProofService } from '../proofs/proof-service.ts';
import { collectHistory } from './collect-history.ts';
import { createCreateGroup } from './create-group.ts';
import type { CreateGroup } from './create-group.ts';
import { createDecoy } from './decoy-group.ts';
import type { Decoy } from './decoy-group.ts';
import { createFalseProofs } from './false-proofs.ts';
import { createGroupBlobs } from './group-blobs.ts';
import type { GroupBlobs } from './group-blobs.ts';
import { createGroupCache } from './group-cache.ts';
import type { GroupCache } from './group-cache.ts';
import { createGroupGate } from './group-gate.ts';
import { createGroupRows } from './group-rows.ts';
import type { GroupRows } from './group-rows.ts';
import { createOpenings } from './openings.ts';
import { createReadAccess } from './read-access.ts';
import type { ReadAccess } from './read-access.ts';
import { addBlobRoutes } from './routes/blobs.ts';
import { addDescribeServerRoute } from './routes/describe-server.ts';
import { addPostFramesRoutes } from './routes/post-frames.ts';
import { addReadLogRoutes } from './routes/read-log.ts';
import { addReadMembershipRoutes } from './routes/read-membership.ts';
import { addReadOpeningsRoutes } from './routes/read-openings.ts';
import { createTreeRows } from './tree-rows.ts';
import type { TreeRows } from './tree-rows.ts';
import { createSealedGroupMetrics } from './sealed-group-metrics.ts';
import type { SealedGroupMetrics } from './sealed-group-metrics.ts';

export interface SealedGroupsDeps {
  readonly suite: Suite;
  readonly proofs: ProofService;
  readonly store: Store<ServerDatabase>;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Default: nothing is traced. */
  readonly tracer?: Tracer;
  readonly settings: Config['sealedGroups'];
  /** The server's name: what frames of its groups call their origin. */
  readonly origin: string;
  readonly challengeKey: Uint8Array;
  readonly readTokenKey: Uint8Array;
  readonly gatewayTokenKey: Uint8Array;
  readonly gatewayTokenLifetimeMs: number;
  /** Where clients reach the gateway, if that is not this server's own origin. */
  readonly gatewayUrl?: string | undefined;
  /** Called after the commit of a removal, with the channel that it left behind. Must return at once. */
  readonly endChannel?: ((channel: string) => void) | undefined;
  /** The account of the request's access token; throws ApiError when there is none. */
  readonly requireAccount: (request: FastifyRequest) => Promise<string>;
}

/** What the routes share. */
export interface SealedGroupContext {
  readonly origin: string;
  readonly clock: Clock;
  readonly settings: Config['sealedGroups'];
  readonly rows: GroupRows;
  readonly trees: TreeRows;
  readonly cache: GroupCache;
  readonly decoy: Decoy;
  readonly reading: ReadAccess;
  readonly blobs: GroupBlobs;
  readonly proofs: ProofService;
  readonly metrics: SealedGroupMetrics;
  readonly log: Log;
  readonly acceptFrame: AcceptFrame;
  readonly createGroup: CreateGroup;
  readonly requireAccount: (request: FastifyRequest) => Promise<string>;
  readonly issueSubscription: (channel: string) => Promise<IssuedSubscription>;
  readonly gatewayUrl: string | undefined;
}

export interface IssuedSubscription {
  readonly connectionToken: string;
  readonly subscriptionToken: string;
  readonly expiresAtMs: number;
}

export interface SealedGroupsFeature {
  readonly addRoutes: (app: FastifyInstance) => Promise<void>;
  readonly sweepOrphanBlobs: (signal: AbortSignal) => Promise<number>;
  /** Gives up trees that are older than the retention; resolves with the number of rows that were deleted. */
  readonly collectHistory: () => Promise<number>;
  /** Lets go of groups that nobody asks for; resolves with their number. */
  readonly dropIdleGroups: () => Promise<number>;
}

export function createSealedGroupsFeature(deps: SealedGroupsDeps): SealedGroupsFeature {
  const { suite, proofs, store, clock, random, settings, origin, tracer = noTracer } = deps;
  const metrics = createSealedGroupMetrics(deps.metrics);
  const rows = createGroupRows(store);
  const trees = createTreeRows(store);
  const cache = createGroupCache({
    trees,
    clock,
    origin,
    maxNodes: settings.cacheNodes,
    maxHeads: settings.cacheGroups,
    idleMs: settings.cacheIdleMs,
  });
  const gate = createGroupGate({ maxPerGroup: settings.maxWaitingPerGroup, maxTotal: settings.maxWaiting });
  const decoy = createDecoy(suite);
  deps.metrics.observe(
    'sealed_frames_waiting',
    'Frames that are being judged or wait for it.',
    () => gate.depth,
  );
  deps.metrics.observe('sealed_groups_cached', 'Groups kept in memory, without trees.', () => cache.heads);
  deps.metrics.observe('sealed_trees_cached', 'Trees of groups kept in memory.', () => cache.trees);

  const context: SealedGroupContext = {
    origin,
    clock,
    settings,
    rows,
    trees,
    cache,
    decoy,
    proofs,
    metrics,
    log: deps.log,
    reading: createReadAccess({
      proofs,
      rows,
      cache,
      clock,
      random,
      origin,
      challengeKey: deps.challengeKey,
      tokenKey: deps.readTokenKey,
      decoy,
    }),
    blobs: createGroupBlobs({
      store,
      blobs: deps.blobs,
      clock,
      random,
      maxBlobBytes: settings.maxBlobBytes,
      quotaBytes: settings.blobQuotaBytes,
    }),
    acceptFrame: createAcceptFrame({
      tracer,
      store,
      rows,
      cache,
      gate,
      proofs,
      decoy,
      falseProofs: createFalseProofs({ clock, maxEntries: 10_000 }),
      clock,
      endChannel: deps.endChannel,
    }),
    createGroup: createCreateGroup({
      tracer,
      suite,
      store,
      rows,
      proofs,
      clock,
      origin,
      maxPerAccount: settings.maxPerAccount,
    }),
    requireAccount: deps.requireAccount,
    issueSubscription,
    gatewayUrl: deps.gatewayUrl,
  };

  return {
    async addRoutes(app) {
      addDescribeServerRoute(app, context);
      addPostFramesRoutes(app, context);
      addReadMembershipRoutes(app, context);
      addReadLogRoutes(app, context);
      addReadOpeningsRoutes(app, context, createOpenings({ store, rows, trees }));
      await addBlobRoutes(app, context);
    },
    sweepOrphanBlobs: (signal) => context.blobs.sweepOrphans(signal),
    collectHistory: () => collectHistory({ store, clock, retentionMs: settings.historyRetentionMs }),
    dropIdleGroups: async () => cache.dropIdle(),
  };

  /** Subscribers of groups are anonymous: user ids in both tokens are empty. */
  async function issueSubscription(channel: string): Promise<IssuedSubscription> {
    const issuedAtMs = clock.nowMs();
    const expiresAtMs = issuedAtMs + deps.gatewayTokenLifetimeMs;
    const claims = { user: '', issuedAtMs, expiresAtMs };
    return {
      connectionToken: await issueConnectionToken(deps.gatewayTokenKey, claims),
      subscriptionToken: await issueSubscriptionToken(deps.gatewayTokenKey, { ...claims, channel }),
      expiresAtMs,
    };
  }
}
