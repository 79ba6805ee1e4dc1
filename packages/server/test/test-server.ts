/**
 * A real server on free ports with a data directory of its own, both gone at the end of the test. The same tests run on SQLite and, in
 * on-postgres.servers.test.ts, on PostgreSQL.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, parseConfig, type ConclaveServer, type ConfigInput } from '../src/index.ts';
import type { ServerOverrides } from '../src/index.ts';

export interface TestServer extends AsyncDisposable {
  readonly server: ConclaveServer;
  readonly url: string;
  readonly adminUrl: string;
  readonly dataDirectory: string;
}

/** Where servers of this file's tests keep their data, when not in an SQLite file of their own. */
export interface TestDatabases {
  create(): Promise<{ readonly url: string; readonly passwordFile: string }>;
}

let databases: TestDatabases | undefined;

/** From now on every test server gets a database of its own from `chosen`; undefined: an SQLite file again. */
export function useDatabases(chosen: TestDatabases | undefined): void {
  databases = chosen;
}

/** Limits are out of the way unless `config` sets them; registration is open. */
export async function startTestServer(
  config: ConfigInput = {},
  overrides: ServerOverrides = {},
): Promise<TestServer> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'conclave-server-'));
  const wide = { burst: 100_000, perMinute: 1_000_000 };
  try {
    const database = await databases?.create();
    const server = await createServer(
      parseConfig({
        dataDirectory,
        ...(database && { store: { engine: 'postgres', ...database } }),
        ...config,
        listen: { host: '127.0.0.1', port: 0, ...config.listen },
        admin: { port: 0, ...config.admin },
        accounts: { registration: 'open', ...config.accounts },
        rateLimits: {
          login: wide,
          registration: wide,
          refresh: wide,
          transferCreate: wide,
          transferRead: wide,
          groupCreate: wide,
          framePost: wide,
          readProof: wide,
          groupRead: wide,
          blobPut: wide,
          request: wide,
          ...config.rateLimits,
        },
        shutdown: { graceMs: 2_000, ...config.shutdown },
      }),
      overrides,
    );
    const { adminUrl } = await server.listen();
    return {
      server,
      url: `http://127.0.0.1:${server.port}`,
      adminUrl: adminUrl ?? '',
      dataDirectory,
      async [Symbol.asyncDispose]() {
        await server.close();
        await rm(dataDirectory, { recursive: true });
      },
    };
  } catch (error) {
    await rm(dataDirectory, { recursive: true, force: true });
    throw error;
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: any;
}

/** One JSON request; `path` is relative to the server. */
export async function ask(
  url: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

export function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

/** Registers with the one open stage and returns the answer's body. */
export async function register(
  url: string,
  username: string,
  extra: Record<string, unknown> = {},
): Promise<any> {
  const { status, body } = await ask(url, 'POST', '/_matrix/client/v3/register', {
    username,
    password: `password of ${username}`,
    auth: { type: 'm.login.dummy' },
    ...extra,
  });
  if (status !== 200) throw new Error(`registering ${username} answered ${status} ${JSON.stringify(body)}`);
  return body;
}

/** How many rows each table of the server has: what "leaves no trace" is measured by. */
export async function rowCounts({ store }: ConclaveServer): Promise<Record<string, number>> {
  const tables = [
    'accounts',
    'devices',
    'token_pairs',
    'registration_tokens',
    'transfers',
    'outbox',
  ] as const;
  const counts: Record<string, number> = {};
  for (const table of tables) {
    const row = await store.db
      .selectFrom(table)
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow();
    counts[table] = row.count;
  }
  const totals = await store.db.selectFrom('transfer_totals').selectAll().executeTakeFirstOrThrow();
  return { ...counts, transferBytes: totals.bytes, transferCount: totals.count };
}
