/** What one server process of a cluster is told: its own ports and folder, and its own way to each engine. */
import type { ConfigInput } from '@conclave/server';
import type { BaseEngines, EngineName } from './start-engines.ts';

export interface ProcessConfigInput {
  readonly serverName: string;
  readonly publicUrl: string;
  readonly dataDirectory: string;
  /** One for all processes. */
  readonly secretsFile: string;
  /** Those of attachments; one for all processes too. */
  readonly masterKeysFile: string;
  readonly ports: { readonly listen: number; readonly admin: number };
  readonly engines: BaseEngines;
  /** The port of 127.0.0.1 at which this process reaches the engine. */
  readonly portOf: (engine: EngineName) => number;
  /** Where clients and where this process reach Centrifugo, if it is the gateway. */
  readonly centrifugo?: { readonly publicUrl: string; readonly apiUrl: string } | undefined;
}

/** Secrets are in the engines' own files; the configuration only names those. */
export function configOfProcess(input: ProcessConfigInput): ConfigInput {
  const { engines, portOf } = input;
  const { postgres, nats, redis, s3 } = engines;
  return {
    serverName: input.serverName,
    publicUrl: input.publicUrl,
    dataDirectory: input.dataDirectory,
    secretsFile: input.secretsFile,
    listen: { host: '127.0.0.1', port: input.ports.listen, trustedProxies: ['loopback'] },
    admin: { host: '127.0.0.1', port: input.ports.admin },
    store: {
      engine: 'postgres',
      url: withPort(postgres.url, portOf('postgres')),
      passwordFile: postgres.passwordFile,
    },
    bus: { engine: 'nats', url: withPort(nats.url, portOf('nats')), passwordFile: nats.passwordFile },
    redis: { url: withPort(redis.url, portOf('redis')), passwordFile: redis.passwordFile },
    blobs: {
      engine: 's3',
      endpoint: withPort(s3.endpoint, portOf('s3')),
      region: s3.region,
      bucket: s3.bucket,
      accessKeyId: s3.accessKeyId,
      secretAccessKeyFile: s3.secretAccessKeyFile,
      masterKeysFile: input.masterKeysFile,
    },
    // HAProxy asks twice a second and looks away after three refusals.
    shutdown: { drainMs: 4_000 },
    ...(input.centrifugo && { gateway: { engine: 'centrifugo', ...input.centrifugo } }),
  };
}

/** The same URL at another port. */
export function withPort(url: string, port: number): string {
  const changed = new URL(url);
  changed.port = String(port);
  return changed.href.replace(/\/$/, '');
}
