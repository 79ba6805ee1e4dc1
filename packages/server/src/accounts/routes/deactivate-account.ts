/** `deactivateAccount`: POST /_matrix/client/v3/account/deactivate (Matrix v1.19). */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { parseBody } from '../../http/parse-input.ts';
import type { AccountsContext } from '../accounts-feature.ts';
import { authDataSchema } from '../interactive-auth.ts';
import { verifyPasswordStage } from './password-stage.ts';

const bodySchema = z.object({
  auth: authDataSchema.optional(),
  /** Accepted; an account holds nothing that deactivating leaves behind except its name and its dates. */
  erase: z.boolean().optional(),
});

export function addDeactivateAccountRoute(app: FastifyInstance, context: AccountsContext): void {
  const { accounts, interactiveAuth, requireSession } = context;
  app.post(
    '/_matrix/client/v3/account/deactivate',
    { config: { rateLimit: 'login' } },
    async (request, reply) => {
      const session = await requireSession(request);
      const body = parseBody(bodySchema, request);
      const check = await interactiveAuth.check({
        operation: 'deactivateAccount',
        subject: session.localpart,
        stage: 'm.login.password',
        auth: body.auth,
        verifyStage: (auth) => verifyPasswordStage(context, session, auth),
      });
      if (!check.ok) return reply.code(401).send(check.response);
      await accounts.deactivate(session.localpart);
      // There are no third-party identifiers to unbind, for which the specification's answer is "success".
      return { id_server_unbind_result: 'success' };
    },
  );
}
