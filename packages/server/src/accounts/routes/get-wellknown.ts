/** `getWellknown`: GET /.well-known/matrix/client (Matrix v1.19, "Well-known URI"). */
import type { FastifyInstance } from 'fastify';
import type { AccountsContext } from '../accounts-feature.ts';

export function addGetWellknownRoute(app: FastifyInstance, { publicUrl }: AccountsContext): void {
  app.get('/.well-known/matrix/client', async () => ({ 'm.homeserver': { base_url: publicUrl() } }));
}
