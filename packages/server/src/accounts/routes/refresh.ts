/** `refresh`: POST /_matrix/client/v3/refresh (Matrix v1.19). The rules stand in ../sessions.ts. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { ApiError } from '../../errors/api-error.ts';
import { parseBody } from '../../http/parse-input.ts';
import type { AccountsContext } from '../accounts-feature.ts';

const bodySchema = z.object({ refresh_token: z.string().max(256) });

export function addRefreshRoute(app: FastifyInstance, { sessions }: AccountsContext): void {
  app.post('/_matrix/client/v3/refresh', { config: { rateLimit: 'refresh' } }, async (request) => {
    const { refresh_token: refreshToken } = parseBody(bodySchema, request);
    const result = await sessions.refresh(refreshToken);
    if (!result.ok) {
      throw new ApiError('M_UNKNOWN_TOKEN', 'The refresh token is unknown, expired or already used', {
        fields: { soft_logout: true },
      });
    }
    const { tokens } = result;
    return {
      access_token: tokens.accessToken,
      refresh_token: tokens.refreshToken,
      expires_in_ms: tokens.expiresInMs,
    };
  });
}
