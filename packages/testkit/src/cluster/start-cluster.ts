/**
 * A whole installation on this machine, of real servers and real processes, in one folder:
 *
 * ```
 *                  HAProxy (url)
 *            ┌─────────┼─────────┐
 *           p1        p2        p3          conclave start --config=FOLDER/p1/conclave.yaml
 *            │ links: p1.postgres, p1.nats, p1.redis, p1.s3; p2.postgres, …
 *            └──▶ PostgreSQL, NATS, Redis, S3
 * ```
 *
 * Everything listens on 127.0.0.1, every secret is generated into a file that only its user can read, and everything dies
 * with the process that called `startCluster`. Who breaks it (tests, `conclave chaos`) does so through the handles: each
 * process and each engine can be killed, paused and restarted, each link cut and stalled.
 */
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { systemClock, systemRandom } from '@conclave/platform';
import { createMasterKeys } from '@conclave/platform/blob-encryption';
import type { ConfigInput } from '@conclave/server';
import { startServerProcess, type ServerProcess } from '../server-process.ts';
import { missingCentrifugo } from '../servers/centrifugo.ts';
import { startLink, type Link } from '../servers/link.ts';
import { missingLoadBalancer, startLoadBalancer, type LoadBalancer } from '../servers/load-balancer.ts';
import { unprivilegedUser } from '../servers/system-user.ts';
import { startCentrifugoOf } from './cluster-centrifugo.ts';
import { keepPorts, type PortOf } from './cluster-ports.ts';
import { configOfProcess } from './process-config.ts';
import {
  allOrNone,
  engineNames,
  missingEngines,
  startEngines,
  type BaseEngines,
  type ClusterEngines,
} from './start-engines.ts';

export type GatewayEngine = 'embedded' | 'centrifugo';

export interface ClusterOptions {
  /** Kept, with data and secrets, for the next start. Otherwise a temporary one, removed in the end. */
  readonly folder?: string | undefined;
  /** Server processes, 1 to 16. Three by default. */
  readonly processes?: number;
  /** Embedded by default. */
  readonly gateway?: GatewayEngine;
  readonly serverName?: string;
  /** Further settings of every process, as flags. */
  readonly flags?: Readonly<Record<string, string>>;
  /** Further settings of one process, such as its roles; the first has index 0. */
  readonly flagsOf?: (index: number) => Readonly<Record<string, string>>;
  /** For Node itself. */
  readonly nodeArgumentsOf?: (index: number) => readonly string[];
  /** Of the process itself, such as a library that skews its clock. */
  readonly environmentOf?: (index: number) => Readonly<Record<string, string>>;
  /**
   * Links between processes and engines, so that they can be broken: the default. They are part of the calling process, which
   * must not be busy then; without them processes reach engines directly, as for measurements.
   */
  readonly links?: boolean;
  /** Limits by address as a server has them; otherwise they are far out of the way. */
  readonly usualLimits?: boolean;
  readonly postgresSettings?: Readonly<Record<string, string>>;
  /** Told what has been started, for people who wait. */
  readonly onProgress?: (what: string) => void;
}

export interface ClusterProcess extends ServerProcess {
  /** `p1`, `p2`, … */
  readonly name: string;
  readonly configFile: string;
  /** What stands in it. */
  readonly config: ConfigInput;
}

export interface Cluster extends AsyncDisposable {
  /** Where clients go: the load balancer. */
  readonly url: string;
  readonly folder: string;
  readonly servers: readonly ClusterProcess[];
  readonly engines: ClusterEngines;
  readonly loadBalancer: LoadBalancer;
  /** By `PROCESS.ENGINE`, such as `p1.postgres`; Centrifugo's own is `centrifugo.nats`. */
  readonly links: Readonly<Record<string, Link>>;
  /** The registration token of the first account, while there is none. */
  readonly firstAccountToken: string | undefined;
  /** Resolves when the load balancer sends requests to every process; rejects after the time. */
  whenReady(timeoutMs?: number): Promise<void>;
  /** Stops everything in order: processes, load balancer, engines. Data in a folder that was given stays. */
  stop(): Promise<void>;
}

/** The programs that a cluster needs and this machine lacks, in one line; undefined when none is missing. */
export function missingCluster(gateway: GatewayEngine = 'embedded'): string | undefined {
  const all = [
    ...missingEngines(),
    missingLoadBalancer(),
    gateway === 'centrifugo' ? missingCentrifugo() : undefined,
  ];
  const missing = all.filter((name) => name !== undefined);
  return missing.length === 0 ? undefined : missing.join(', ');
}

/** Resolves when every process is ready. On failure nothing is left running. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const stack = new AsyncDisposableStack();
  try {
    return await start(options, stack);
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function start(options: ClusterOptions, stack: AsyncDisposableStack): Promise<Cluster> {
  const { onProgress = () => {} } = options;
  const withCentrifugo = options.gateway === 'centrifugo';
  const names = Array.from({ length: options.processes ?? 3 }, (_, index) => `p${index + 1}`);
  const folder = await openFolder(options.folder, stack);
  const portOf = await keepPorts(folder, [
    ...engineNames,
    'load-balancer',
    ...(withCentrifugo ? ['centrifugo', 'centrifugo.api'] : []),
    ...names.flatMap((name) => [name, `${name}.admin`]),
  ]);

  onProgress(`starting ${engineNames.join(', ')}`);
  const engines = await startEngines({
    folder,
    ports: { postgres: portOf('postgres'), nats: portOf('nats'), redis: portOf('redis'), s3: portOf('s3') },
    postgresSettings: options.postgresSettings,
  });
  for (const name of engineNames) stack.use(engines[name]);

  const links: Record<string, Link> = {};
  const link = async (from: string, to: string, port = portOf(to)): Promise<void> => {
    links[`${from}.${to}`] = stack.use(await startLink(`${from}.${to}`, { host: '127.0.0.1', port }));
  };
  if (options.links !== false) {
    for (const name of names) {
      for (const engine of engineNames) await link(name, engine);
      if (withCentrifugo) await link(name, 'centrifugo', portOf('centrifugo.api'));
    }
    if (withCentrifugo) await link('centrifugo', 'nats');
  }

  const loadBalancer = stack.use(
    await startLoadBalancer({
      folder: join(folder, 'load-balancer'),
      port: portOf('load-balancer'),
      backends: names.map((name) => ({ name, port: portOf(name) })),
    }),
  );

  const masterKeysFile = join(folder, 'master-keys.json');
  if (!existsSync(masterKeysFile)) await createMasterKeys(masterKeysFile, systemRandom, systemClock.nowMs());

  onProgress(`starting ${names.join(', ')}`);
  const startProcess = async (name: string, index: number): Promise<ClusterProcess> =>
    startClusterProcess({
      name,
      index,
      folder,
      portOf,
      options,
      engines,
      links,
      publicUrl: loadBalancer.url,
    });
  const servers = await allOrNone(names.map(startProcess));
  // Where the data goes too, nothing has to end in order.
  const end = (server: ClusterProcess): Promise<unknown> =>
    options.folder === undefined ? server.kill() : server.stop();
  stack.defer(async () => void (await Promise.all(servers.map(end))));

  // The stream that it reads is made by the first process.
  const centrifugo = withCentrifugo
    ? stack.use(await startCentrifugoOf({ folder, portOf, links, config: servers[0]!.config }))
    : undefined;

  const cluster: Cluster = {
    url: loadBalancer.url,
    folder,
    servers,
    engines: centrifugo === undefined ? engines : { ...engines, centrifugo },
    loadBalancer,
    links,
    get firstAccountToken() {
      return servers.map((server) => server.firstAccountToken).find((token) => token !== undefined);
    },
    async whenReady(timeoutMs = 60_000) {
      const deadline = performance.now() + timeoutMs;
      for (;;) {
        const ready = await loadBalancer.listReady();
        if (ready.length === servers.length) return;
        if (performance.now() > deadline) throw new Error(describeUnready(servers, ready));
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
    stop: () => stack.disposeAsync(),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
  await cluster.whenReady();
  return cluster;
}

function describeUnready(servers: readonly ClusterProcess[], ready: readonly string[]): string {
  const unready = servers.filter(({ name }) => !ready.includes(name));
  const lines = unready.map(
    ({ name, output }) => `${name} is not ready in time; it said:\n${output.slice(-2_000)}`,
  );
  return lines.join('\n');
}

/** Other users may pass through it, to the folder of an engine that does not run as this user, and see nothing in it. */
async function openFolder(given: string | undefined, stack: AsyncDisposableStack): Promise<string> {
  const folder = given ?? (await mkdtemp(join(tmpdir(), 'conclave-cluster-')));
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o711);
  await assertPassable(folder);
  if (given === undefined) stack.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** PostgreSQL does not run as root: its user has to reach its folder. */
async function assertPassable(folder: string): Promise<void> {
  if (unprivilegedUser('postgres') === undefined) return;
  for (let parent = resolve(folder); parent !== dirname(parent); parent = dirname(parent)) {
    if (((await stat(parent)).mode & 0o001) !== 0) continue;
    throw new Error(
      `other users cannot pass through ${parent}, and PostgreSQL does not run as root: choose another folder`,
    );
  }
}

interface StartProcessInput {
  readonly name: string;
  readonly index: number;
  readonly folder: string;
  readonly portOf: PortOf;
  readonly options: ClusterOptions;
  readonly engines: BaseEngines;
  readonly links: Readonly<Record<string, Link>>;
  readonly publicUrl: string;
}

async function startClusterProcess(input: StartProcessInput): Promise<ClusterProcess> {
  const { name, index, folder, portOf, options } = input;
  const dataDirectory = join(folder, name);
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 });
  const ports = { listen: portOf(name), admin: portOf(`${name}.admin`) };
  const apiPort =
    options.gateway === 'centrifugo'
      ? (input.links[`${name}.centrifugo`]?.port ?? portOf('centrifugo.api'))
      : undefined;
  const config = configOfProcess({
    serverName: options.serverName ?? 'conclave.test',
    publicUrl: input.publicUrl,
    dataDirectory,
    secretsFile: join(folder, 'secrets.json'),
    masterKeysFile: join(folder, 'master-keys.json'),
    ports,
    engines: input.engines,
    portOf: (engine) => input.links[`${name}.${engine}`]?.port ?? portOf(engine),
    centrifugo:
      apiPort === undefined
        ? undefined
        : {
            publicUrl: `http://127.0.0.1:${portOf('centrifugo')}`,
            apiUrl: `http://127.0.0.1:${apiPort}`,
          },
  });
  const configFile = join(dataDirectory, 'conclave.yaml');
  await writeFile(configFile, `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 });
  const server = await startServerProcess({
    dataDirectory,
    configFile,
    ports,
    startTimeoutMs: 60_000,
    flags: {
      serverName: options.serverName ?? 'conclave.test',
      ...options.flags,
      ...options.flagsOf?.(index),
    },
    ...(options.usualLimits === true ? { usualLimits: true } : {}),
    ...(options.nodeArgumentsOf === undefined ? {} : { nodeArguments: options.nodeArgumentsOf(index) }),
    ...(options.environmentOf === undefined ? {} : { environment: options.environmentOf(index) }),
  });
  return Object.defineProperties(server, {
    name: { value: name, enumerable: true },
    configFile: { value: configFile, enumerable: true },
    config: { value: config, enumerable: true },
  }) as ClusterProcess;
}
