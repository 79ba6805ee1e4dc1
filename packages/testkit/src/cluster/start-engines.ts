/** The real servers under a cluster, started at the same time; when one does not start, none is left. */
import { join } from 'node:path';
import type { CentrifugoServer } from '../servers/centrifugo.ts';
import { missingNats, startNats, type NatsServer } from '../servers/nats.ts';
import { missingPostgres, startPostgres, type PostgresServer } from '../servers/postgres.ts';
import { missingRedis, startRedis, type RedisServer } from '../servers/redis.ts';
import { missingS3, startS3, type S3Server } from '../servers/s3.ts';

/** What every cluster has. */
export interface BaseEngines {
  readonly postgres: PostgresServer;
  readonly nats: NatsServer;
  readonly redis: RedisServer;
  readonly s3: S3Server;
}

export interface ClusterEngines extends BaseEngines {
  /** With the gateway `centrifugo` only. */
  readonly centrifugo?: CentrifugoServer;
}

export type EngineName = keyof BaseEngines;

export const engineNames: readonly EngineName[] = ['postgres', 'nats', 'redis', 's3'];

/** The programs that a cluster needs and this machine lacks. */
export function missingEngines(): string[] {
  return [missingPostgres(), missingNats(), missingRedis(), missingS3()].filter((name) => name !== undefined);
}

export interface StartEnginesOptions {
  /** Each engine has a folder of its own in it, and goes on with what an earlier start left there. */
  readonly folder: string;
  readonly ports: Readonly<Record<EngineName, number>>;
  readonly postgresSettings?: Readonly<Record<string, string>> | undefined;
}

export async function startEngines(options: StartEnginesOptions): Promise<BaseEngines> {
  const { ports } = options;
  const at = <Name extends EngineName>(name: Name) => ({
    folder: join(options.folder, name),
    port: ports[name],
  });
  const [postgres, nats, redis, s3] = await allOrNone([
    startPostgres({
      ...at('postgres'),
      ...(options.postgresSettings && { settings: options.postgresSettings }),
    }),
    startNats(at('nats')),
    startRedis(at('redis')),
    startS3(at('s3')),
  ]);
  return { postgres, nats, redis, s3 };
}

/** Waits for all of them; when one fails the others are disposed of, and the first failure is thrown. */
export async function allOrNone<const Starts extends readonly Promise<AsyncDisposable>[]>(
  starts: Starts,
): Promise<{ -readonly [Index in keyof Starts]: Awaited<Starts[Index]> }> {
  const outcomes = await Promise.allSettled(starts);
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  const started = outcomes.filter((outcome) => outcome.status === 'fulfilled').map(({ value }) => value);
  if (failure !== undefined) {
    await Promise.all(started.map((each) => each[Symbol.asyncDispose]()));
    throw failure.reason;
  }
  return started as never;
}
