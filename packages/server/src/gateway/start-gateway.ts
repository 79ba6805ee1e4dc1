/**
 * The real-time gateway of an installation, as the rest of the server sees it, whichever it is:
 *
 * ```
 *   engine      role gateway   here
 *   embedded    yes            the embedded gateway of this process, fed by the bus
 *   embedded    no             nothing: other processes have it
 *   centrifugo  either         a client of Centrifugo's API; Centrifugo is fed by the bus without us
 * ```
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Bus, Clock, Log, Metrics, RandomSource, Tracer } from '@conclave/platform';
import type { Config } from '../config/config-schema.ts';
import { startCentrifugoGateway } from './centrifugo-gateway.ts';
import { publicUrlOf } from '../server/derive-addresses.ts';
import { startEmbeddedGateway } from './embedded-gateway.ts';

export interface StartGatewayDeps {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Default: nothing is traced. */
  readonly tracer?: Tracer;
  /** The time by the database's clock; default: never known, and the age of what is delivered is not measured. */
  readonly databaseNowMs?: () => number | undefined;
  readonly settings: Config['gateway'];
  readonly listen: Config['listen'];
  /** Whether this process has the role `gateway`. */
  readonly hasRole: boolean;
  /** Browser origins that may use the gateway besides its own host: see {@link gatewayOrigins}. */
  readonly allowedOrigins: readonly string[];
  /** See gateway-secrets.ts. */
  readonly tokenSecret: string;
  readonly apiKey: string;
  readonly clientAddress: (request: IncomingMessage) => string;
}

/** What is told to operators. */
export interface GatewayDescription {
  readonly engine: Config['gateway']['engine'];
  readonly nodes: readonly {
    readonly name: string;
    readonly clients: number;
    readonly channels: number;
    readonly subscriptions: number;
  }[];
}

export interface RunningGateway {
  /** Returns false, and does nothing, when the request is not the gateway's. */
  handleRequest(request: IncomingMessage, response: ServerResponse): boolean;
  /** Returns false, and does nothing, when the request is not the gateway's. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  /**
   * After the commit of a removal: whoever is still subscribed to the channel that it left behind is to be cut off. Returns at
   * once. The command in the outbox says the same; this is for when the bus is down.
   */
  endChannel(channel: string): void;
  /**
   * The bus has lost what it held: whoever is connected may have missed something, and is to come back and read the log.
   * Returns at once. The embedded gateway hears of gaps itself.
   */
  resetAll(): void;
  /** Rejects with {@link CentrifugoError} when Centrifugo does not answer. */
  describe(): Promise<GatewayDescription>;
  /** Ends one connection, for an operator. Rejects like {@link describe}. */
  disconnectClient(client: string): Promise<void>;
  /** Tells connections to go elsewhere, one after the other within `periodMs`. The process is leaving its load balancer. */
  drain(periodMs: number): Promise<void>;
  /** Ends every connection with "reconnect", then what feeds them. May be called more than once. */
  close(): Promise<void>;
}

/** Whether real-time connections end in this process. */
export function holdsSockets({ gateway, roles }: Pick<Config, 'gateway' | 'roles'>): boolean {
  return gateway.engine === 'embedded' && roles.includes('gateway');
}

export function startGateway(deps: StartGatewayDeps): RunningGateway {
  if (deps.settings.engine === 'centrifugo') return startCentrifugoGateway(deps);
  return deps.hasRole ? startEmbeddedGateway(deps) : noGateway;
}

/**
 * The web origins whose pages may connect: those of the configuration, and this server's own, which is another one than the
 * gateway's when that has a URL of its own.
 */
export function gatewayOrigins(config: Pick<Config, 'publicUrl' | 'gateway' | 'listen'>): string[] {
  const { gateway, listen } = config;
  const own = gateway.publicUrl === null ? [] : [publicUrlOf(config, listen.port)];
  return [...new Set([...own, ...listen.allowedOrigins])];
}

const noGateway: RunningGateway = {
  handleRequest: () => false,
  handleUpgrade: () => false,
  endChannel() {},
  resetAll() {},
  describe: async () => ({ engine: 'embedded', nodes: [] }),
  async disconnectClient() {},
  async drain() {},
  async close() {},
};
