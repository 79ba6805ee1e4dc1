/** `register`: POST /_matrix/client/v3/register (Matrix v1.19). */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { ApiError } from '../../errors/api-error.ts';
import { parseBody, parseQuery } from '../../http/parse-input.ts';
import type { AccountsContext } from '../accounts-feature.ts';
import { authDataSchema, type AuthData } from '../interactive-auth.ts';
import { sessionAnswer, sessionWishes } from './session-shape.ts';

const querySchema = z.object({ kind: z.enum(['user', 'guest']).default('user') });

const bodySchema = z.object({
  auth: authDataSchema.optional(),
  username: z.string().max(255).optional(),
  password: z.string().max(4_096).optional(),
  inhibit_login: z.boolean().optional(),
  ...sessionWishes.shape,
});

export function addRegisterRoute(app: FastifyInstance, context: AccountsContext): void {
  const { accounts, registrationTokens, interactiveAuth, registration } = context;
  app.post(
    '/_matrix/client/v3/register',
    { config: { rateLimit: 'registration' } },
    async (request, reply) => {
      if (parseQuery(querySchema, request).kind === 'guest') {
        throw new ApiError('M_FORBIDDEN', 'Guest accounts are not accepted');
      }
      if (registration === 'closed') throw new ApiError('M_FORBIDDEN', 'Registration is closed');
      const body = parseBody(bodySchema, request);

      // The specification wants name errors before authentication, and clients probe with an empty body.
      if (body.username !== undefined) await accounts.assertAvailable(body.username);
      if (body.password !== undefined) accounts.assertAcceptable(body.password);

      const needsToken = registration === 'token';
      const check = await interactiveAuth.check({
        operation: 'register',
        subject: '',
        stage: needsToken ? 'm.login.registration_token' : 'm.login.dummy',
        auth: body.auth,
        verifyStage: async (auth) =>
          !needsToken || (await registrationTokens.isValid(tokenOf(auth) ?? ''))
            ? { ok: true }
            : invalidToken,
      });
      if (!check.ok) return reply.code(401).send(check.response);
      if (body.password === undefined) throw new ApiError('M_MISSING_PARAM', 'password is missing');

      const created = await accounts.create({
        username: body.username,
        password: body.password,
        registrationToken: needsToken && body.auth !== undefined ? (tokenOf(body.auth) ?? '') : undefined,
        session:
          body.inhibit_login === true
            ? undefined
            : {
                deviceId: body.device_id,
                displayName: body.initial_device_display_name,
                refreshable: body.refresh_token ?? false,
              },
      });
      if (!created.ok) {
        // Another registration used the token up while this password was being hashed.
        throw new ApiError('M_UNAUTHORIZED', invalidToken.error);
      }
      return created.session === undefined ? { user_id: created.userId } : sessionAnswer(created.session);
    },
  );
}

const invalidToken = {
  ok: false,
  errcode: 'M_UNAUTHORIZED',
  error: 'The registration token is unknown, expired or used up',
} as const;

function tokenOf(auth: AuthData): string | undefined {
  return typeof auth['token'] === 'string' && auth['token'].length <= 64 ? auth['token'] : undefined;
}
