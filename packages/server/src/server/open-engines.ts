/**
 * The engine behind each port, as the settings name it. The embedded ones need nothing else and load no client library; the
 * others let any number of processes share one installation (docs/decisions/0009-many-processes.md).
 *
 *                 store        leases       bus          limits, presence    blobs
 *   embedded      SQLite       in process   in process   in process          disk
 *   at scale      PostgreSQL   PostgreSQL   JetStream    Redis               S3
 */
import { join, resolve } from 'node:path';
import {
  createInProcessBus,
  createInProcessCache,
  createInProcessLeases,
  createInProcessPresence,
  createTokenBucketLimiter,
  openSqliteStore,
  systemClock,
  type Bus,
  type Cache,
  type Clock,
  type Leases,
  type Lifecycle,
  type Log,
  type Metrics,
  type MigrationSequence,
  type Presence,
  type RandomSource,
  type RateLimiter,
  type Store,
} from '@conclave/platform';
import type { RedisCacheOptions } from '@conclave/platform/redis';
import type { Config } from '../config/config-schema.ts';
import { centrifugoConsumer } from '../gateway/render-centrifugo-config.ts';
import type { ServerDatabase } from '../schema/server-database.ts';
import { readOptionalSecretFile } from '../secrets/secret-file.ts';

export interface EngineDeps {
  readonly config: Config;
  readonly migrations: readonly MigrationSequence[];
  /** Who holds leases and announces itself: another one for every start of a process. */
  readonly processId: string;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Closes what is opened, the last first. */
  readonly lifecycle: Lifecycle;
}

export type CreateRateLimiter = (limit: {
  /** Distinguishes it from the other limits of the installation. */
  readonly name: string;
  readonly burst: number;
  readonly perSecond: number;
}) => RateLimiter;

export interface SharedMemory {
  readonly createRateLimiter: CreateRateLimiter;
  readonly presence: Presence;
  /** Without Redis, a cache of this process alone. */
  readonly createCache: <V>(options: RedisCacheOptions<V>) => Promise<Cache<V>>;
}

export async function openStore(deps: EngineDeps): Promise<Store<ServerDatabase>> {
  const { config, migrations, clock, random, log, metrics, lifecycle } = deps;
  const { store } = config;
  if (store.engine === 'sqlite') {
    const file = join(resolve(config.dataDirectory), 'conclave.db');
    return lifecycle.own(
      'store',
      await openSqliteStore<ServerDatabase>({ file, migrations, clock, log, metrics }),
    );
  }
  const { openPostgresStore } = await import('@conclave/platform/postgres');
  return lifecycle.own(
    'store',
    await openPostgresStore<ServerDatabase>({
      ...postgresAddress(store),
      maxConnections: store.maxConnections,
      migrations,
      // How long another machine says nothing is real time, whatever time a test says it is.
      clock: systemClock,
      random,
      log,
      metrics,
    }),
  );
}

export async function openLeases(deps: EngineDeps): Promise<Leases> {
  const { config, processId, random, log, lifecycle } = deps;
  if (config.store.engine === 'sqlite') return lifecycle.own('leases', createInProcessLeases());
  const { openPostgresLeases } = await import('@conclave/platform/postgres');
  return lifecycle.own(
    'leases',
    await openPostgresLeases({
      ...postgresAddress(config.store),
      leaseMs: config.relay.leaseMs,
      holder: processId,
      clock: systemClock,
      random,
      log,
    }),
  );
}

/** `onStreamMade`: what the bus held for a gateway elsewhere is lost. */
export async function openBus(deps: EngineDeps, onStreamMade: () => void): Promise<Bus> {
  const { config, processId, clock, log, metrics, lifecycle } = deps;
  const { bus } = config;
  if (bus.engine === 'process') return lifecycle.own('bus', createInProcessBus({ clock, log, metrics }));
  const { openNatsBus } = await import('@conclave/platform/nats');
  return lifecycle.own(
    'bus',
    await openNatsBus({
      url: bus.url!,
      password: readOptionalSecretFile(bus.passwordFile),
      stream: bus.stream,
      replicas: bus.replicas,
      retentionMs: bus.retentionMs,
      readers:
        config.gateway.engine === 'centrifugo' ? [{ name: centrifugoConsumer, subjects: ['events.>'] }] : [],
      onStreamMade,
      name: processId,
      clock,
      log,
      metrics,
    }),
  );
}

export async function openSharedMemory(deps: EngineDeps): Promise<SharedMemory> {
  const { config, clock, log, metrics, lifecycle } = deps;
  const { url, passwordFile, prefix } = config.redis;
  if (url === null) {
    return {
      createRateLimiter: ({ burst, perSecond }) => createTokenBucketLimiter({ clock, burst, perSecond }),
      presence: createInProcessPresence({ clock }),
      createCache: async (options) => createInProcessCache({ clock }, options),
    };
  }
  const { openRedis } = await import('@conclave/platform/redis');
  return lifecycle.own(
    'redis',
    await openRedis({
      url,
      password: readOptionalSecretFile(passwordFile),
      prefix,
      // Redis lives in real time, whatever time a test says it is.
      clock: systemClock,
      log,
      metrics,
    }),
  );
}

function postgresAddress({ url, passwordFile }: Config['store']): {
  url: string;
  password: string | undefined;
} {
  return { url: url!, password: readOptionalSecretFile(passwordFile) };
}
