/** `getLoginFlows` and `login`: GET and POST /_matrix/client/v3/login (Matrix v1.19). */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { ApiError } from '../../errors/api-error.ts';
import { takeOrRefuse } from '../../http/rate-limit.ts';
import { parseBody } from '../../http/parse-input.ts';
import type { AccountsContext } from '../accounts-feature.ts';
import { localpartOfLogin } from '../user-id.ts';
import { sessionAnswer, sessionWishes } from './session-shape.ts';

const bodySchema = z.object({
  type: z.string(),
  identifier: z.object({ type: z.string(), user: z.string().max(512).optional() }).optional(),
  /** Deprecated spelling of the identifier, which older clients still send. */
  user: z.string().max(512).optional(),
  password: z.string().max(4_096).optional(),
  ...sessionWishes.shape,
});

export function addLoginRoutes(app: FastifyInstance, context: AccountsContext): void {
  const { accounts, passwordLimiter, serverName } = context;

  app.get('/_matrix/client/v3/login', async () => ({ flows: [{ type: 'm.login.password' }] }));

  app.post('/_matrix/client/v3/login', { config: { rateLimit: 'login' } }, async (request) => {
    const body = parseBody(bodySchema, request);
    if (body.type !== 'm.login.password') {
      throw new ApiError('M_UNKNOWN', 'The only kind of login is m.login.password', { status: 400 });
    }
    if (body.identifier !== undefined && body.identifier.type !== 'm.id.user') {
      throw new ApiError('M_UNKNOWN', 'The only kind of identifier is m.id.user', { status: 400 });
    }
    const user = body.identifier?.user ?? body.user;
    if (user === undefined) throw new ApiError('M_MISSING_PARAM', 'identifier.user is missing');
    if (body.password === undefined) throw new ApiError('M_MISSING_PARAM', 'password is missing');

    const localpart = localpartOfLogin(user, serverName);
    if (localpart !== undefined) await takeOrRefuse(passwordLimiter, localpart);
    const proven = await accounts.hasPassword(localpart, body.password);
    const session =
      !proven || localpart === undefined
        ? undefined
        : await accounts.logIn({
            localpart,
            deviceId: body.device_id,
            displayName: body.initial_device_display_name,
            refreshable: body.refresh_token ?? false,
          });
    // One answer for a wrong password, an unknown name, another server's name and a deactivated account.
    if (session === undefined) throw new ApiError('M_FORBIDDEN', 'The name or password is wrong');
    return sessionAnswer(session);
  });
}
