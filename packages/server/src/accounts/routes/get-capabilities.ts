/** `getCapabilities`: GET /_matrix/client/v3/capabilities (Matrix v1.19). */
import type { FastifyInstance } from 'fastify';
import type { AccountsContext } from '../accounts-feature.ts';

/** An absent capability counts as enabled in older clients: what this server cannot do is said outright. */
const capabilities = {
  'm.change_password': { enabled: true },
  'm.set_displayname': { enabled: false },
  'm.set_avatar_url': { enabled: false },
  'm.profile_fields': { enabled: false },
  'm.3pid_changes': { enabled: false },
  'm.get_login_token': { enabled: false },
} as const;

export function addGetCapabilitiesRoute(app: FastifyInstance, { requireSession }: AccountsContext): void {
  app.get('/_matrix/client/v3/capabilities', async (request) => {
    await requireSession(request);
    return { capabilities };
  });
}
