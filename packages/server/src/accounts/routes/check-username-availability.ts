/** `checkUsernameAvailability`: GET /_matrix/client/v3/register/available (Matrix v1.19). */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { ApiError } from '../../errors/api-error.ts';
import { parseQuery } from '../../http/parse-input.ts';
import type { AccountsContext } from '../accounts-feature.ts';

const querySchema = z.object({ username: z.string() });

export function addCheckUsernameAvailabilityRoute(app: FastifyInstance, context: AccountsContext): void {
  app.get(
    '/_matrix/client/v3/register/available',
    { config: { rateLimit: 'registration' } },
    async (request) => {
      const { username } = parseQuery(querySchema, request);
      if (context.registration === 'closed') throw new ApiError('M_FORBIDDEN', 'Registration is closed');
      await context.accounts.assertAvailable(username);
      return { available: true };
    },
  );
}
