/** `logout` and `logout_all`: POST /_matrix/client/v3/logout and /logout/all (Matrix v1.19). */
import type { FastifyInstance } from 'fastify';
import type { AccountsContext } from '../accounts-feature.ts';

export function addLogoutRoutes(app: FastifyInstance, context: AccountsContext): void {
  const { store, sessions, requireSession } = context;

  app.post('/_matrix/client/v3/logout', async (request) => {
    const session = await requireSession(request);
    await store.write((trx) => sessions.closeDevice(trx, session));
    return {};
  });

  app.post('/_matrix/client/v3/logout/all', async (request) => {
    const { localpart } = await requireSession(request);
    await store.write((trx) => sessions.closeAllDevices(trx, localpart));
    return {};
  });
}
