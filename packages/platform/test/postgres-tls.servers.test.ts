/** The URL says how the way to the database is secured. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf, contractMigrations, type ContractTables } from '@conclave/testkit/contracts';
import {
  createServerFolder,
  missingPostgres,
  missingProgram,
  startPostgres,
  unprivilegedUser,
  type PostgresServer,
  type ServerFolder,
} from '@conclave/testkit/servers';
import { requireServer } from '@conclave/testkit/servers/require-server';
import { silentLog, systemClock } from '@conclave/platform';
import { openPostgresStore } from '@conclave/platform/postgres';

requireServer(missingPostgres(), missingProgram('openssl'))('PostgreSQL behind TLS', () => {
  let folder: ServerFolder;
  let server: PostgresServer;

  beforeAll(async () => {
    folder = await createServerFolder({ name: 'tls', owner: unprivilegedUser('postgres') });
    for (const name of ['server', 'stranger']) await createCertificate(name);
    server = await startPostgres({
      settings: {
        ssl: 'on',
        ssl_cert_file: join(folder.path, 'server.crt'),
        ssl_key_file: join(folder.path, 'server.key'),
      },
    });
  });

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  async function createCertificate(name: string): Promise<void> {
    const [key, certificate] = [join(folder.path, 'key.tmp'), join(folder.path, 'crt.tmp')];
    const request =
      'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -days 2 -subj /CN=localhost';
    execFileSync(
      'openssl',
      [...request.split(' '), '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', certificate],
      { stdio: 'pipe' },
    );
    await folder.write(`${name}.key`, readFileSync(key, 'utf8'));
    await folder.write(`${name}.crt`, readFileSync(certificate, 'utf8'));
  }

  const open = (root: string) =>
    openPostgresStore<ContractTables>({
      url: `${server.url}?sslmode=verify-full&sslrootcert=${join(folder.path, root)}`,
      password: server.password,
      maxConnections: 6,
      migrations: [contractMigrations],
      clock: systemClock,
      log: silentLog,
    });

  test('every connection is encrypted when the URL says so', async () => {
    const store = await open('server.crt');
    try {
      await store.write((trx) =>
        trx.insertInto('account').values({ id: 'a', balance: 0, photo: null }).execute(),
      );
      const { rows } = await sql<{ ssl: boolean; application_name: string }>`
        select ssl, application_name from pg_stat_ssl join pg_stat_activity using (pid)
        where datname = current_database()`.execute(store.db);
      expect(rows.length).toBeGreaterThanOrEqual(3);
      expect(rows.every(({ ssl }) => ssl)).toBe(true);
    } finally {
      await store.close();
    }
  });

  test('a server that cannot prove that it is the one is not talked to', async () => {
    expect(await codeOf(open('stranger.crt'))).toBe('STORE_UNAVAILABLE');
  });
});
