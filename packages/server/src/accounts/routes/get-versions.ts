/** `getVersions`: GET /_matrix/client/versions (Matrix v1.19). */
import type { FastifyInstance } from 'fastify';

/**
 * `versions` is empty: this server has accounts but no rooms, so it implements no version of the specification as
 * a whole, and saying otherwise would lead a Matrix client into a login that ends in errors. What it has is named.
 */
const answer = {
  versions: [],
  unstable_features: {
    'conclave.accounts': true,
    'conclave.sealed_groups': true,
    'conclave.transfers': true,
  },
} as const;

export function addGetVersionsRoute(app: FastifyInstance): void {
  app.get('/_matrix/client/versions', async () => answer);
}
