/** `registrationTokenValidity`: GET /_matrix/client/v1/register/m.login.registration_token/validity (v1.19). */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { ApiError } from '../../errors/api-error.ts';
import { parseQuery } from '../../http/parse-input.ts';
import type { AccountsContext } from '../accounts-feature.ts';

const querySchema = z.object({ token: z.string() });

export function addRegistrationTokenValidityRoute(app: FastifyInstance, context: AccountsContext): void {
  app.get(
    '/_matrix/client/v1/register/m.login.registration_token/validity',
    { config: { rateLimit: 'registration' } },
    async (request) => {
      const { token } = parseQuery(querySchema, request);
      if (context.registration === 'closed') throw new ApiError('M_FORBIDDEN', 'Registration is closed');
      return { valid: token.length <= 64 && (await context.registrationTokens.isValid(token)) };
    },
  );
}
