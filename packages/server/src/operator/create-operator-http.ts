/**
 * The operator listener, on loopback by default: `/metrics`, `/health`, `/ready`, and the operator commands that
 * the running server has to carry out itself, since it alone may open its database.
 *
 * The commands need the operator token, which is derived from `secrets.json`: whoever can read that file, and
 * nobody else on the machine, is the operator. Health and metrics need none.
 */
import { timingSafeEqual } from 'node:crypto';
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { noTracer, type Metrics, type RandomSource } from '@conclave/platform';
import type { AccountsFeature } from '../accounts/accounts-feature.ts';
import { ApiError } from '../errors/api-error.ts';
import { addHealthRoutes, type ReadinessCheck } from '../health/health-routes.ts';
import { answerError } from '../http/answer-error.ts';
import { addBodyParsers } from '../http/body-parsers.ts';
import { parseBody } from '../http/parse-input.ts';
import { createRequestIds } from '../http/request-ids.ts';
import { runRequestsAsWork } from '../http/request-work.ts';
import type { BlobKeyStatus } from '../server/open-blobs.ts';
import type { BlobMover } from '../move-blobs/blob-mover.ts';
import { addBlobKeyRoutes } from './blob-key-routes.ts';
import { addBlobMoveRoutes } from './blob-move-routes.ts';
import type { RunningGateway } from '../gateway/start-gateway.ts';
import { addGatewayRoutes } from './gateway-routes.ts';
import { addReadOnlyRoutes, type ReadOnlyRoutesDeps } from './read-only-routes.ts';
import { addRelayRoutes, type RelayRoutesDeps } from './relay-routes.ts';

export interface OperatorHttpDeps extends ReadOnlyRoutesDeps {
  readonly accounts: AccountsFeature;
  readonly metrics: Metrics;
  readonly checks: readonly ReadinessCheck[];
  readonly isStopping: () => boolean;
  readonly random: RandomSource;
  readonly operatorToken: string;
  readonly relay: RelayRoutesDeps;
  readonly gateway: Pick<RunningGateway, 'describe' | 'disconnectClient'>;
  /** Undefined where blobs are not encrypted. */
  readonly blobKeyStatus: (() => Promise<BlobKeyStatus>) | undefined;
  readonly blobMover: BlobMover;
}

/** The bearer token of operator commands, from the key of purpose `operator`. */
export function operatorTokenOf(key: Uint8Array): string {
  return Buffer.from(key).toString('base64url');
}

export const operatorPaths = {
  registrationTokens: '/_conclave/operator/v1/registration_tokens',
  accounts: '/_conclave/operator/v1/accounts',
} as const;

const createTokenSchema = z.strictObject({
  uses_allowed: z.int().min(1).max(1_000_000).nullable(),
  lifetime_ms: z.int().min(1_000).max(315_360_000_000).nullable(),
});

export function createOperatorHttp(deps: OperatorHttpDeps): FastifyInstance {
  const { accounts, log, metrics } = deps;
  const { registrationTokens } = accounts;
  const app: FastifyInstance = fastify({
    logger: false,
    bodyLimit: 16_384,
    routerOptions: { maxParamLength: 1_024 },
    genReqId: createRequestIds(deps.random),
  });
  addBodyParsers(app);
  // Not traced: nobody's message passes here, and whoever scrapes metrics would fill the traces.
  runRequestsAsWork(app, noTracer);
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    const hasNul = /%00/.test(request.url);
    done(hasNul ? new ApiError('M_INVALID_PARAM', 'The path contains U+0000') : undefined);
  });
  app.setErrorHandler((error, request, reply) => answerError(log, error, request, reply));
  app.setNotFoundHandler(async () => {
    throw new ApiError('M_UNRECOGNIZED', 'There is no such route');
  });

  addHealthRoutes(app, deps);
  app.get('/metrics', async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.exposition()),
  );

  const requireOperator = async (request: FastifyRequest): Promise<void> => {
    const given = Buffer.from(request.headers.authorization ?? '');
    const wanted = Buffer.from(`Bearer ${deps.operatorToken}`);
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
      throw new ApiError('M_MISSING_TOKEN', 'The operator token is needed');
    }
  };
  const guarded = { onRequest: requireOperator };

  app.get(operatorPaths.registrationTokens, guarded, async () => ({
    tokens: await registrationTokens.list(),
  }));
  app.post(operatorPaths.registrationTokens, guarded, async (request) => {
    const body = parseBody(createTokenSchema, request);
    return registrationTokens.create({ usesAllowed: body.uses_allowed, lifetimeMs: body.lifetime_ms });
  });
  app.delete<{ Params: { id: string } }>(
    `${operatorPaths.registrationTokens}/:id`,
    guarded,
    async (request) => ({
      revoked: await registrationTokens.revoke(request.params.id),
    }),
  );
  app.post<{ Params: { localpart: string } }>(
    `${operatorPaths.accounts}/:localpart/deactivate`,
    guarded,
    async (request) => ({ deactivated: await accounts.accounts.deactivate(request.params.localpart) }),
  );
  addReadOnlyRoutes(app, guarded, deps);
  addBlobKeyRoutes(app, guarded, deps.blobKeyStatus);
  addBlobMoveRoutes(app, guarded, deps.blobMover);
  addGatewayRoutes(app, guarded, deps.gateway);
  addRelayRoutes(app, guarded, deps.relay);
  return app;
}
