/** `getChallenge` and `redeemChallenge`: how a member shows that it is one, without saying which. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { ApiError } from '../../errors/api-error.ts';
import { parseBody } from '../../http/parse-input.ts';
import type { SealedGroupContext } from '../sealed-groups-feature.ts';
import { isGroupId, readBase64url } from './path-ids.ts';

const proofSchema = z.object({
  challenge: z.string().max(128),
  node: z
    .int()
    .min(0)
    .max(2 ** 21),
  signature: z.string().max(128),
});

type Route = { Params: { groupId: string } };

export function addReadMembershipRoutes(app: FastifyInstance, { reading }: SealedGroupContext): void {
  const config = { rateLimit: 'readProof' } as const;

  app.post<Route>(
    '/_conclave/sealed/v1/groups/:groupId/challenge',
    { config, bodyLimit: 1_024 },
    async (request) => {
      const { groupId } = request.params;
      requireGroupId(groupId);
      const { challenge, expiresAtMs } = reading.challenge(groupId);
      return { challenge: Buffer.from(challenge).toString('base64url'), expires_at: expiresAtMs };
    },
  );

  app.post<Route>(
    '/_conclave/sealed/v1/groups/:groupId/token',
    { config, bodyLimit: 1_024 },
    async (request) => {
      const { groupId } = request.params;
      requireGroupId(groupId);
      const body = parseBody(proofSchema, request);
      const { token, epoch, expiresAtMs } = await reading.redeem(groupId, {
        challenge: readBase64url('challenge', body.challenge, 1, 96),
        node: body.node,
        signature: readBase64url('signature', body.signature, 64),
      });
      return { read_token: Buffer.from(token).toString('base64url'), epoch, expires_at: expiresAtMs };
    },
  );
}

function requireGroupId(groupId: string): void {
  if (!isGroupId(groupId)) throw new ApiError('M_INVALID_PARAM', 'groupId: expected base64url of 16 bytes');
}
