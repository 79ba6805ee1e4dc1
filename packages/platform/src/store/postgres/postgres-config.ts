/**
 * How this process connects to PostgreSQL: what the URL says, the password from elsewhere, and types as the rest of the
 * program knows them from SQLite.
 */
import pg from 'pg';
import { parseIntoClientConfig } from 'pg-connection-string';
import { StoreError } from '../store-error.ts';

export interface PostgresTarget {
  /** `postgres://USER@HOST[:PORT]/DATABASE[?sslmode=verify-full&…]`, without a password. */
  readonly url: string;
  readonly password?: string | undefined;
}

export interface SessionSettings {
  /** Shown in `pg_stat_activity`: which part of the program holds the connection. */
  readonly applicationName: string;
  /** Settings of the session, such as `{ statement_timeout: '30s' }`. They win over the URL's. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly connectTimeoutMs?: number;
}

/** Throws {@link StoreError} `STORE_UNAVAILABLE`, without the URL, when that cannot be read. */
export function postgresClientConfig(target: PostgresTarget, session: SessionSettings): pg.ClientConfig {
  let parsed: pg.ClientConfig;
  try {
    parsed = parseIntoClientConfig(target.url);
  } catch {
    throw new StoreError('STORE_UNAVAILABLE', 'the URL of the database cannot be read');
  }
  const settings = Object.entries(session.settings ?? {}).map(([name, value]) => `-c ${name}=${value}`);
  return {
    ...parsed,
    // A function, so that the secret is no property of what might be printed; never undefined, for then the driver would look
    // into the environment and the user's `.pgpass`.
    password: () => target.password ?? (typeof parsed.password === 'string' ? parsed.password : ''),
    application_name: session.applicationName,
    options: [parsed.options, ...settings].filter((part) => part !== undefined && part !== '').join(' '),
    connectionTimeoutMillis: session.connectTimeoutMs ?? 5_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: postgresTypes,
  };
}

const int8 = 20;

/** Byte strings come as `Buffer`, as from SQLite, and 64-bit integers as numbers. */
const postgresTypes: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === int8 && format !== 'binary'
      ? parseSafeInteger
      : pg.types.getTypeParser(oid, format)) as pg.CustomTypesConfig['getTypeParser'],
};

/** Rejects the query rather than giving a number that is not the one in the database. */
function parseSafeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError('an integer of the database is beyond 2^53');
  return value;
}
