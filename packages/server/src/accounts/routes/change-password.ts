/** `changePassword`: POST /_matrix/client/v3/account/password (Matrix v1.19). */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { parseBody } from '../../http/parse-input.ts';
import type { AccountsContext } from '../accounts-feature.ts';
import { authDataSchema } from '../interactive-auth.ts';
import { verifyPasswordStage } from './password-stage.ts';

const bodySchema = z.object({
  new_password: z.string().max(4_096),
  logout_devices: z.boolean().optional(),
  auth: authDataSchema.optional(),
});

export function addChangePasswordRoute(app: FastifyInstance, context: AccountsContext): void {
  const { accounts, interactiveAuth, requireSession } = context;
  app.post(
    '/_matrix/client/v3/account/password',
    { config: { rateLimit: 'login' } },
    async (request, reply) => {
      const session = await requireSession(request);
      const body = parseBody(bodySchema, request);
      accounts.assertAcceptable(body.new_password);
      const check = await interactiveAuth.check({
        operation: 'changePassword',
        subject: session.localpart,
        stage: 'm.login.password',
        auth: body.auth,
        verifyStage: (auth) => verifyPasswordStage(context, session, auth),
      });
      if (!check.ok) return reply.code(401).send(check.response);
      await accounts.changePassword(session, body.new_password, body.logout_devices ?? true);
      return {};
    },
  );
}
