/** The store and the leases on PostgreSQL. Apart from the rest, so that a server with embedded engines does not load the client. */
export { openPostgresStore, type PostgresStoreDeps } from './store/postgres/open-postgres-store.ts';
export { postgresClientConfig, type PostgresTarget } from './store/postgres/postgres-config.ts';
export { openPostgresLeases, type PostgresLeasesDeps } from './leases/postgres/open-postgres-leases.ts';
