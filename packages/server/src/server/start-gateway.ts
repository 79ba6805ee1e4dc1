/**
 * The embedded gateway and what feeds it: the bus hands over the bytes that Centrifugo's JetStream consumer
 * would read (docs/decisions/0001-shape.md, "Outbox").
 */
import type { IncomingMessage } from 'node:http';
import { createGateway, type Gateway } from '@conclave/gateway';
import type { Bus, Clock, Log, Metrics, RandomSource } from '@conclave/platform';
import type { Config } from '../config/config-schema.ts';

export interface StartGatewayDeps {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly settings: Config['gateway'];
  readonly listen: Config['listen'];
  readonly tokenSecret: Uint8Array;
  readonly clientAddress: (request: IncomingMessage) => string;
}

export interface RunningGateway {
  readonly gateway: Gateway;
  /** Ends every connection with "reconnect", then the subscription to the bus. */
  close(): Promise<void>;
}

export async function startGateway(deps: StartGatewayDeps): Promise<RunningGateway> {
  const { bus, log, metrics, settings, listen } = deps;
  const commands = metrics.counter('gateway_bus_commands_total', 'Commands from the bus to the gateway.', [
    'outcome',
  ]);
  const gateway = createGateway(
    {
      clock: deps.clock,
      random: deps.random,
      log,
      metrics: gatewayMetrics(metrics),
      clientAddress: deps.clientAddress,
    },
    {
      tokenSecret: deps.tokenSecret,
      namespaces: {
        group: {
          historySize: settings.historySize,
          historyTtlMs: settings.historyTtlMs,
          forceRecovery: true,
        },
      },
      allowedOrigins: listen.allowedOrigins,
      limits: {
        maxConnections: listen.maxConnections,
        maxConnectionsPerAddress: settings.maxConnectionsPerAddress,
      },
    },
  );
  for (const [name, help, read] of gatewayGauges(gateway)) metrics.observe(name, help, read);
  const subscription = await bus.subscribe('events.>', async ({ payload }) => {
    const result = gateway.handleCommand(payload);
    commands.inc({ outcome: result.ok ? 'ok' : 'refused' });
    // The command came from our own outbox: a refusal is a mistake of the feature that enqueued it.
    if (!result.ok) log.error({ code: result.error.code }, 'the gateway refused a command from the bus');
  });
  return {
    gateway,
    async close() {
      await gateway.close();
      await subscription[Symbol.asyncDispose]();
    },
  };
}

function gatewayMetrics(metrics: Metrics) {
  const opened = metrics.counter('gateway_connections_opened_total', 'Real-time connections opened.', [
    'transport',
  ]);
  const closed = metrics.counter('gateway_connections_closed_total', 'Real-time connections closed.', [
    'transport',
    'code',
  ]);
  const handled = metrics.counter('gateway_commands_total', 'Commands of clients.', ['method', 'code']);
  const deliveries = metrics.counter('gateway_deliveries_total', 'Publications queued for connections.', [
    'namespace',
  ]);
  return {
    connectionOpened: (transport: string) => opened.inc({ transport }),
    connectionClosed: (transport: string, code: number) => closed.inc({ transport, code: String(code) }),
    commandHandled: (method: string, code: number) => handled.inc({ method, code: String(code) }),
    published: (namespace: string, subscribers: number) => deliveries.inc({ namespace }, subscribers),
  };
}

function gatewayGauges(gateway: Gateway) {
  return [
    ['gateway_connections', 'Open real-time connections.', () => gateway.stats().connections],
    ['gateway_channels', 'Channels with subscribers.', () => gateway.stats().channels],
    ['gateway_history_bytes', 'Bytes of kept publications.', () => gateway.stats().historyBytes],
    ['gateway_queued_bytes', 'Bytes waiting to be sent to clients.', () => gateway.stats().queuedBytes],
  ] as const;
}
