/**
 * The composition root: configuration in, a server out. Used by apps/server and, in the same process, by tests.
 *
 *     config ─▶ secrets ─▶ store ─▶ bus ─▶ relay ─▶ gateway ─▶ features ─▶ HTTP ─▶ jobs
 *
 * Stopping goes the other way: readiness fails and clients are sent elsewhere (../health/drain.ts), the listener closes,
 * running requests end, the relay finishes what it has begun, the database closes. Everything has one owner, the lifecycle.
 */
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import {
  createLifecycle,
  createMetrics,
  measureBlobs,
  measureLeases,
  keepAnnouncing,
  silentLog,
  startDatabaseClock,
  startRelay,
  systemClock,
  systemRandom,
  type Clock,
  type Log,
  type Metrics,
  type MigrationSequence,
  type RandomSource,
  type Store,
  type StoreError,
} from '@conclave/platform';
import { createNodeEngine } from '@conclave/ristretto/wasm-node';
import { createSuite } from '@conclave/sealed-group';
import { createAccountsFeature, type AccountsFeature } from '../accounts/accounts-feature.ts';
import type { Config, Role } from '../config/config-schema.ts';
import { drain } from '../health/drain.ts';
import { gatewayApiKey, gatewayTokenSecret, tokenKeyOf } from '../gateway/gateway-secrets.ts';
import { gatewayOrigins, holdsSockets, startGateway } from '../gateway/start-gateway.ts';
import { watchHearing } from '../gateway/hearing-watch.ts';
import { addHealthRoutes } from '../health/health-routes.ts';
import { answerClientError } from '../http/answer-client-error.ts';
import { createClientAddress } from '../http/client-address.ts';
import { createHttp, httpServerOptions } from '../http/create-http.ts';
import { openHttpListener, type HttpListener } from '../http/http-listener.ts';
import { refuseUpgrade } from '../http/refuse-upgrade.ts';
import { runInOneProcess } from '../jobs/run-in-one-process.ts';
import { startJobs, type Job } from '../jobs/supervised-jobs.ts';
import { createOperatorHttp, operatorTokenOf } from '../operator/create-operator-http.ts';
import { startBlobMover } from '../move-blobs/blob-mover.ts';
import { claimPlace } from '../move-blobs/claim-place.ts';
import { refuseMovedDatabase } from '../migrate-store/move-record.ts';
import { refuseUnfinishedMove } from '../migrate-store/unfinished-move.ts';
import { addPages } from '../pages/pages.ts';
import { allMigrations } from '../schema/server-migrations.ts';
import type { ServerDatabase } from '../schema/server-database.ts';
import { readOptionalSecretFile } from '../secrets/secret-file.ts';
import { openServerSecrets, secretsFileOf, type ServerSecrets } from '../secrets/server-secrets.ts';
import { fillSubtrees } from '../sealed-groups/fill-subtrees.ts';
import { createProofPool } from '../proofs/proof-pool.ts';
import { createSealedGroupsFeature } from '../sealed-groups/sealed-groups-feature.ts';
import { createTreeRows } from '../sealed-groups/tree-rows.ts';
import { addTransferRoutes } from '../transfers/transfer-routes.ts';
import { createTransfers } from '../transfers/transfers.ts';
import { publicUrlOf, serverNameOf } from './derive-addresses.ts';
import { createRateLimiters } from './rate-limiters.ts';
import { measureEventLoopDelay } from './event-loop-delay.ts';
import { gateStore } from './gated-store.ts';
import { attachmentsOnDisk, beLoneProcess, busInMemory } from './lone-process.ts';
import { openBlobs } from './open-blobs.ts';
import { openBus, openLeases, openSharedMemory, openStore } from './open-engines.ts';
import { newProcessId } from './process-id.ts';
import { openTracing } from './open-tracing.ts';
import { claimServerName } from './server-identity.ts';
import { createServerMetrics } from './server-metrics.ts';

/** What tests replace. */
export interface ServerOverrides {
  readonly clock?: Clock;
  readonly random?: RandomSource;
  readonly log?: Log;
  /** Given by a process that wants its own figures (memory, event loop) among the metrics. */
  readonly metrics?: Metrics;
  /** For tests of upgrades: the schema of another version. */
  readonly migrations?: readonly MigrationSequence[];
  /** Which of the installation's processes this is, in log lines and traces; default: random. */
  readonly processId?: string;
}

export interface ConclaveServer {
  /**
   * Starts what else starts with the first request that needs it: the proof workers. Rejects if they cannot start, so that
   * it is noticed before anybody is served.
   */
  warmUp(): Promise<void>;
  /** Opens the listeners. Throws {@link ListenError}, with nothing left open. */
  listen(): Promise<{ readonly url: string; readonly adminUrl: string | undefined }>;
  /** Stops in order and within bounds. May be called more than once; never rejects. */
  close(): Promise<void>;
  /** The origin for clients. With port 0 it is known after {@link listen}. */
  readonly url: string;
  /** The origin of the operator listener, while it is open. */
  readonly adminUrl: string | undefined;
  readonly serverName: string;
  /** The port of the public listener; 0 before {@link listen} when the system is to choose. */
  readonly port: number;
  /** The addresses that the public listener is bound to. */
  readonly addresses: readonly string[];
  /**
   * The registration token for the first account, while there is none and registration needs tokens; else undefined. Shown by
   * the start command.
   */
  firstAccountToken(): Promise<string | undefined>;
  /**
   * Resolves when a newer process has made the database one that this program cannot work with: it should be closed, so that
   * others get its leases.
   */
  readonly outdated: Promise<StoreError>;
  readonly accounts: AccountsFeature;
  readonly store: Store<ServerDatabase>;
  readonly metrics: Metrics;
}

/** Beyond the grace for requests: what the relay, the bus and the database may take together to stop. */
const stopMarginMs = 10_000;

/**
 * Opens the data directory and builds everything; nothing is reachable before {@link ConclaveServer.listen}.
 * Throws ConfigError, SecretsFileError or StoreError, with nothing left open.
 */
export async function createServer(config: Config, overrides: ServerOverrides = {}): Promise<ConclaveServer> {
  const {
    clock = systemClock,
    random = systemRandom,
    log = silentLog,
    metrics = createMetrics(),
    processId = newProcessId(random),
    migrations = allMigrations,
  } = overrides;
  const lifecycle = createLifecycle({ clock, log });
  const stop = async (): Promise<void> => {
    await lifecycle.close({ timeoutMs: 2 * config.shutdown.graceMs + stopMarginMs });
  };
  try {
    return await compose({
      config,
      clock,
      random,
      log,
      metrics,
      processId,
      migrations,
      lifecycle,
      stop,
    });
  } catch (error) {
    await stop();
    throw error;
  }
}

interface ComposeDeps extends Required<ServerOverrides> {
  readonly config: Config;
  readonly lifecycle: ReturnType<typeof createLifecycle>;
  readonly stop: () => Promise<void>;
}

async function compose(deps: ComposeDeps): Promise<ConclaveServer> {
  const { config, clock, random, log, metrics, migrations, lifecycle, stop } = deps;
  const { listen, admin } = config;
  const dataDirectory = resolve(config.dataDirectory);
  const serverName = serverNameOf(config);
  const serverMetrics = createServerMetrics(metrics);
  let stopping = false;
  let listener: HttpListener | undefined;
  let operatorListener: HttpListener | undefined;
  const isStopping = () => stopping;
  const url = () => publicUrlOf(config, listener?.port ?? listen.port);

  lifecycle.own('event loop delay', measureEventLoopDelay(metrics));
  // Owned first, so closed last: readiness can be asked for while the rest is stopping.
  lifecycle.own('operator listener', {
    async close() {
      await operatorListener?.close(0);
      operatorListener = undefined;
    },
  });

  const secrets: ServerSecrets = openServerSecrets(secretsFileOf(config), random);
  if (config.store.engine === 'sqlite') refuseMovedDatabase(dataDirectory);
  const processId = `${hostname()}.${process.pid}.${deps.processId}`;
  const tracer = await openTracing(deps);
  const engineDeps = { config, migrations, processId, clock, random, log, metrics, lifecycle };
  const has = (role: Role): boolean => config.roles.includes(role);
  const opened = await openStore(engineDeps);
  await refuseUnfinishedMove(opened);
  const gated = gateStore({
    store: opened,
    migrations,
    isShared: opened.engine !== 'sqlite',
    clock,
    random,
    log,
    lifecycle,
  });
  const { store, readOnly, outdated } = gated;
  // Of real time, whatever a test's clock says.
  const databaseClock = lifecycle.own(
    'database clock',
    startDatabaseClock({ engine: store.engine, db: store.db, clock: systemClock, log }),
  );
  const databaseNowMs = (): number | undefined => databaseClock.nowMs();
  await claimServerName(store, serverName);
  await fillSubtrees({ store, trees: createTreeRows(store), log });
  const leases = measureLeases(await openLeases(engineDeps), metrics);
  const checks = [...gated.checks];
  if (store.engine !== 'sqlite' && config.bus.engine === 'process') {
    checks.push(await beLoneProcess({ leases, lifecycle, log }, busInMemory));
  }
  let onStreamMade = (): void => {};
  const bus = await openBus(engineDeps, () => onStreamMade());
  if (store.engine !== 'sqlite' && config.bus.engine === 'nats' && holdsSockets(config)) {
    const isServed = () => listener !== undefined && !stopping;
    const drain = (periodMs: number) => gateway.drain(periodMs);
    const times = { leaseMs: config.relay.leaseMs, drainMs: config.shutdown.drainMs, clock: systemClock };
    checks.push(watchHearing({ bus, leases, holder: processId, isServed, drain, ...times, log, lifecycle }));
  }
  const shared = await openSharedMemory(engineDeps);
  if (has('relay')) {
    const { shards } = config.relay;
    const observed = { log, metrics, tracer, databaseNowMs };
    lifecycle.own('relay', startRelay({ store, bus, leases, shards, clock, random, ...observed }));
  }

  const clientAddress = createClientAddress(listen.trustedProxies);
  const tokenSecret = gatewayTokenSecret(secrets);
  const gateway = lifecycle.own(
    'gateway',
    startGateway({
      bus,
      clock,
      random,
      log,
      metrics,
      tracer,
      databaseNowMs,
      settings: config.gateway,
      listen,
      hasRole: has('gateway'),
      allowedOrigins: gatewayOrigins(config),
      tokenSecret,
      apiKey: readOptionalSecretFile(config.gateway.apiKeyFile) ?? gatewayApiKey(secrets),
      clientAddress,
    }),
  );
  onStreamMade = () => gateway.resetAll();

  const accounts = createAccountsFeature({
    store,
    clock,
    random,
    settings: config.accounts,
    serverName,
    publicUrl: url,
    interactiveAuthKey: secrets.key('interactive-auth-sessions'),
    firstAccountKey: secrets.key('first-account'),
    passwordLimiter: shared.createRateLimiter({
      name: 'password',
      burst: config.rateLimits.login.burst,
      perSecond: config.rateLimits.login.perMinute / 60,
    }),
  });
  // Threads live in real time, whatever time a test says it is.
  const proofs = lifecycle.own(
    'proofs',
    createProofPool({ clock: systemClock, log, metrics, tracer }, config.proofs),
  );
  const usesDisk = config.blobs.engine === 'disk' || config.blobs.previous === 'disk';
  if (usesDisk && store.engine !== 'sqlite' && config.bus.engine === 'nats' && (has('api') || has('jobs'))) {
    checks.push(await beLoneProcess({ leases, lifecycle, log }, attachmentsOnDisk));
  }
  await claimPlace(store, config.blobs);
  const { blobs, jobs: blobJobs, moveViews, keyStatus } = await openBlobs(engineDeps, { store, shared });
  const blobMover = startBlobMover({
    store,
    leases,
    lifecycle,
    clock,
    log,
    views: moveViews,
    isWorker: has('jobs'),
  });
  const transfers = createTransfers({ store, clock, random, settings: config.transfers });
  const sealedGroups = createSealedGroupsFeature({
    suite: createSuite(createNodeEngine()),
    proofs,
    store,
    blobs: measureBlobs(blobs, metrics),
    clock,
    random,
    log,
    metrics,
    tracer,
    settings: config.sealedGroups,
    origin: serverName,
    challengeKey: secrets.key('sealed-group-challenges'),
    readTokenKey: secrets.key('sealed-group-read-tokens'),
    gatewayTokenKey: tokenKeyOf(tokenSecret),
    gatewayUrl: config.gateway.publicUrl ?? undefined,
    endChannel: (channel) => gateway.endChannel(channel),
    gatewayTokenLifetimeMs: config.gateway.tokenLifetimeMs,
    requireAccount: async (request) => (await accounts.requireSession(request)).userId,
  });
  metrics.observe('password_operations', 'Password operations that run or wait.', accounts.pendingPasswords);
  metrics.observe('transfer_bytes', 'Octets of unread transfers.', () => transfers.usedBytes());

  const app = createHttp({
    listen,
    log,
    tracer,
    random,
    limiters: createRateLimiters(shared.createRateLimiter, config.rateLimits),
    isStopping,
    clientAddress,
    takeOver: (request, response) => gateway.handleRequest(request, response),
    onMeasured: serverMetrics.measureRequest,
  });
  addHealthRoutes(app, { checks, isStopping, log });
  if (has('api')) {
    await accounts.addRoutes(app);
    addPages(app);
    addTransferRoutes(app, { transfers, settings: config.transfers });
    await sealedGroups.addRoutes(app);
  }
  await app.ready();

  const operatorApp = createOperatorHttp({
    accounts,
    metrics,
    checks,
    isStopping,
    log,
    random,
    operatorToken: operatorTokenOf(secrets.key('operator')),
    readOnly,
    movableDirectory: store.engine === 'sqlite' ? dataDirectory : undefined,
    blobKeyStatus: keyStatus,
    blobMover,
    relay: { store, leases, shards: config.relay.shards },
    gateway,
    clock,
  });
  await operatorApp.ready();

  const startSweeping = (jobs: readonly (Omit<Job, 'intervalMs'> & Partial<Job>)[]) =>
    startJobs({
      clock,
      log,
      onOutcome: serverMetrics.countJob,
      jobs: jobs.map((job) => ({ intervalMs: config.jobs.sweepIntervalMs, ...job })),
    });
  // What is in this process's memory, whatever its roles.
  lifecycle.own('idle groups', startSweeping([{ name: 'idle groups', run: sealedGroups.dropIdleGroups }]));
  if (has('jobs')) {
    const start = () =>
      startSweeping([
        { name: 'expired transfers', run: () => transfers.sweepExpired() },
        { name: 'expired tokens', run: () => accounts.sweepExpired() },
        {
          name: 'orphan attachments',
          run: sealedGroups.sweepOrphanBlobs,
          intervalMs: config.jobs.attachmentSweepIntervalMs,
        },
        { name: 'superseded trees', run: sealedGroups.collectHistory },
        ...blobJobs,
      ]);
    lifecycle.run('jobs', (signal) => runInOneProcess({ leases, lease: 'jobs', start, signal, log }));
  }
  lifecycle.own(
    'presence',
    keepAnnouncing({
      presence: shared.presence,
      clock,
      log,
      kind: 'process',
      id: processId,
      data: () => JSON.stringify({ roles: config.roles, url: url(), isStopping: stopping }),
    }),
  );
  // Closing: accept nothing, let requests end, and tell real-time clients to go meanwhile: their streams are
  // requests that would never end by themselves.
  lifecycle.own('public listener', {
    async close() {
      const drained = listener?.close(config.shutdown.graceMs);
      await gateway.close();
      await drained;
      await app.close();
    },
  });

  const openPublic = (): Promise<HttpListener> =>
    openHttpListener({
      host: listen.host,
      port: listen.port,
      clock,
      options: httpServerOptions(listen.requestTimeoutMs),
      maxConnections: listen.maxConnections,
      onRequest: (request, response) => app.routing(request, response),
      onUpgrade: (request, socket, head) => {
        if (!gateway.handleUpgrade(request, socket, head)) refuseUpgrade(socket);
      },
      onClientError: answerClientError,
    });

  const openAdmin = (): Promise<HttpListener> =>
    openHttpListener({
      host: admin.host,
      port: admin.port,
      clock,
      options: httpServerOptions(10_000),
      maxConnections: 256,
      onRequest: (request, response) => operatorApp.routing(request, response),
      onClientError: answerClientError,
    });

  const adminUrl = () =>
    operatorListener === undefined
      ? undefined
      : publicUrlOf({ publicUrl: null, listen: { ...listen, host: admin.host } }, operatorListener.port);

  let closing: Promise<void> | undefined;
  async function leave(): Promise<void> {
    log.info({}, 'stopping');
    stopping = true;
    if (listener !== undefined) await drain({ clock, drainMs: config.shutdown.drainMs, gateway });
    await stop();
  }

  return {
    warmUp: () => proofs.warmUp(),
    async listen() {
      if (admin.enabled) operatorListener = await openAdmin();
      try {
        listener = await openPublic();
      } catch (error) {
        await operatorListener?.close(0);
        operatorListener = undefined;
        throw error;
      }
      log.info({ url: url(), addresses: listener.addresses, port: listener.port }, 'listening');
      return { url: url(), adminUrl: adminUrl() };
    },
    outdated,
    async close() {
      closing ??= leave();
      await closing;
    },
    get url() {
      return url();
    },
    get adminUrl() {
      return adminUrl();
    },
    get port() {
      return listener?.port ?? listen.port;
    },
    get addresses() {
      return listener?.addresses ?? [];
    },
    serverName,
    async firstAccountToken() {
      if (config.accounts.registration !== 'token') return undefined;
      return accounts.registrationTokens.offerFirstAccountToken();
    },
    accounts,
    store,
    metrics,
  };
}
