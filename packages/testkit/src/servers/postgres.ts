/**
 * A real PostgreSQL of its own for tests, benches and `conclave cluster`: a data folder of its own, a port that was free,
 * passwords that nobody knew before. It dies with this process.
 *
 *   initdb (scram, generated passwords) ─▶ postgres on 127.0.0.1:PORT ─▶ is it ours? ─▶ role and database `conclave`
 *
 * PostgreSQL refuses to run as root, so root lends it to the system's `postgres`, or to `nobody`. The role `conclave` is no
 * superuser: what works here works with the rights that an operator gives.
 */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { findProgram, missingProgram } from './find-program.ts';
import { onFreePort } from './free-port.ts';
import { processTree } from './process-tree.ts';
import { startRealServer, type LauncherOptions, type RealServer } from './real-server.ts';
import { createServerFolder } from './server-folder.ts';
import { unprivilegedUser, type SystemUser } from './system-user.ts';

export interface PostgresOptions extends LauncherOptions {
  /** Settings of the server, such as `{ fsync: 'off' }`. By default it is as durable as a production server. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** How to reach a database: the URL has no password in it, the file has nothing else. */
export interface PostgresAddress {
  readonly url: string;
  readonly password: string;
  readonly passwordFile: string;
}

export interface PostgresServer extends RealServer, PostgresAddress {
  readonly port: number;
  /** For tests that look behind the scenes: a superuser's address. */
  readonly superuser: PostgresAddress;
  /** A new, empty database of the same role. */
  createDatabase(): Promise<PostgresAddress>;
}

/** What is missing to start one, or undefined. */
export function missingPostgres(): string | undefined {
  return missingProgram('postgres', 'initdb');
}

export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const owner = unprivilegedUser('postgres');
  const folder = await createServerFolder({ name: 'postgres', folder: options.folder, owner });
  try {
    const data = join(folder.path, 'data');
    const [superSecret, secret] = [
      await folder.secret('superuser-password'),
      await folder.secret('password'),
    ];
    if (!existsSync(join(data, 'PG_VERSION'))) await initialise(folder.path, data, superSecret.file, owner);

    const start = async (port: number): Promise<PostgresServer> => {
      const address = (user: string, { value, file }: typeof secret, database: string): PostgresAddress => ({
        url: `postgres://${user}@127.0.0.1:${port}/${database}`,
        password: value,
        passwordFile: file,
      });
      const superuser = address('postgres', superSecret, 'postgres');
      const server = await startRealServer({
        name: 'PostgreSQL',
        program: 'postgres',
        arguments: argumentsOf(data, port, options.settings),
        folder: folder.path,
        runAs: owner,
        // Backends of a postmaster that was killed take a moment to notice; until then a successor is refused.
        startTries: 6,
        stopSignal: 'SIGINT', // fast shutdown: connections are ended, the data is left clean
        probe: (signal) => assertOurs(superuser, data, signal),
        dispose: async () => folder[Symbol.asyncDispose](),
      });
      try {
        await createRole(superuser, secret.value);
      } catch (error) {
        await server[Symbol.asyncDispose]();
        throw error;
      }
      return withDatabases(server, (database) => address('conclave', secret, database), superuser, port);
    };
    return await (options.port === undefined ? onFreePort(start) : start(options.port));
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    throw error;
  }
}

function withDatabases(
  server: RealServer,
  addressOf: (database: string) => PostgresAddress,
  superuser: PostgresAddress,
  port: number,
): PostgresServer {
  let databases = 0;
  return {
    ...addressOf('conclave'),
    superuser,
    port,
    name: server.name,
    get pid() {
      return server.pid;
    },
    get output() {
      return server.output;
    },
    kill: () => killAll(server),
    pause: () => server.pause(),
    resume: () => server.resume(),
    async restart() {
      await killAll(server);
      await server.restart();
    },
    stop: (timeoutMs) => server.stop(timeoutMs),
    async createDatabase() {
      const database = `conclave_${process.pid}_${(databases += 1)}`;
      await withClient(addressOf('conclave'), (client) => client.query(`create database ${database}`));
      return addressOf(database);
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** A crash: the postmaster and every backend. A successor is refused while a backend still holds the shared memory. */
async function killAll(server: RealServer): Promise<void> {
  // Stopped, it starts no backend between being listed and being killed.
  server.pause();
  const pids = processTree(server.pid);
  await server.kill();
  while (pids.some(isRunning)) await delay(2);
}

/** Dead and not yet reaped by the system holds nothing. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

function argumentsOf(data: string, port: number, settings: PostgresOptions['settings']): string[] {
  const all = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: '200',
    ...settings,
  };
  return ['-D', data, ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}

async function initialise(
  folder: string,
  data: string,
  passwordFile: string,
  owner: SystemUser | undefined,
): Promise<void> {
  const initdb = findProgram('initdb');
  if (initdb === undefined) throw new Error('initdb is not installed: see scripts/ensure-servers.sh');
  await promisify(execFile)(
    initdb,
    [
      `--pgdata=${data}`,
      '--username=postgres',
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
    ],
    // No `PG…` variable of the caller reaches a server that is not the caller's.
    { cwd: folder, env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' }, timeout: 60_000, ...owner },
  );
}

/** The port was free a moment ago; whoever answers there must be the one that was started here. */
async function assertOurs(superuser: PostgresAddress, data: string, signal: AbortSignal): Promise<void> {
  await withClient(
    superuser,
    async (client) => {
      const { rows } = await client.query<{ data_directory: string }>('show data_directory');
      if ((await realpath(rows[0]!.data_directory)) !== (await realpath(data))) {
        throw new Error('another PostgreSQL answers at this port');
      }
    },
    signal,
  );
}

async function createRole(superuser: PostgresAddress, password: string): Promise<void> {
  await withClient(superuser, async (client) => {
    const { rowCount } = await client.query(`select from pg_roles where rolname = 'conclave'`);
    if (rowCount === 1) return;
    // The statement would be logged, password and all, if it failed.
    await client.query(`set log_min_error_statement = panic`);
    await client.query(`create role conclave login createdb password ${pg.escapeLiteral(password)}`);
    await client.query('create database conclave owner conclave');
  });
}

async function withClient(
  { url, password }: PostgresAddress,
  use: (client: pg.Client) => Promise<unknown>,
  signal?: AbortSignal,
): Promise<void> {
  const { hostname, port, username, pathname } = new URL(url);
  const client = new pg.Client({
    host: hostname,
    port: Number(port),
    user: username,
    password,
    database: pathname.slice(1),
    connectionTimeoutMillis: 5_000,
  });
  // A connection that breaks rejects what waits for it.
  client.on('error', () => {});
  const giveUp = (): void => void client.end();
  signal?.addEventListener('abort', giveUp);
  try {
    await client.connect();
    await use(client);
  } finally {
    signal?.removeEventListener('abort', giveUp);
    await client.end();
  }
}
