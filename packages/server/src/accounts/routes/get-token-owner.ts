/** `getTokenOwner`: GET /_matrix/client/v3/account/whoami (Matrix v1.19). */
import type { FastifyInstance } from 'fastify';
import type { AccountsContext } from '../accounts-feature.ts';

export function addGetTokenOwnerRoute(app: FastifyInstance, { requireSession }: AccountsContext): void {
  app.get('/_matrix/client/v3/account/whoami', async (request) => {
    const { userId, deviceId } = await requireSession(request);
    return { user_id: userId, device_id: deviceId, is_guest: false };
  });
}
