/**
 * The embedded gateway of this process and what feeds it: the bus hands over the bytes that Centrifugo's JetStream consumer
 * would read (docs/decisions/0001-shape.md, "Outbox").
 */
import type { IncomingMessage } from 'node:http';
import { createGateway } from '@conclave/gateway';
import { noTracer } from '@conclave/platform';
import { createDeliveries } from './deliveries.ts';
import { createGatewayFeed } from './gateway-feed.ts';
import { createGatewayMetrics, observeGateway } from './gateway-metrics.ts';
import type { RunningGateway, StartGatewayDeps } from './start-gateway.ts';
import { tokenKeyOf } from './gateway-secrets.ts';

export function startEmbeddedGateway(
  deps: StartGatewayDeps & { readonly clientAddress: (request: IncomingMessage) => string },
): RunningGateway {
  const { bus, clock, log, metrics, settings, listen } = deps;
  const { tracer = noTracer, databaseNowMs = () => undefined } = deps;
  const deliveries = createDeliveries({ metrics, tracer, databaseNowMs });
  const feed = createGatewayFeed({ bus, clock, log, metrics, deliveries });
  const counted = createGatewayMetrics(metrics);
  const gateway = createGateway(
    {
      clock,
      random: deps.random,
      log,
      metrics: {
        ...counted,
        published(namespace, subscribers) {
          counted.published(namespace, subscribers);
          deliveries.published(subscribers);
        },
      },
      clientAddress: deps.clientAddress,
      source: feed,
    },
    {
      tokenSecret: tokenKeyOf(deps.tokenSecret),
      namespaces: {
        group: {
          historySize: settings.historySize,
          historyTtlMs: settings.historyTtlMs,
          forceRecovery: true,
        },
        personal: {},
      },
      allowedOrigins: deps.allowedOrigins,
      limits: {
        maxConnections: listen.maxConnections,
        maxConnectionsPerAddress: settings.maxConnectionsPerAddress,
      },
    },
  );
  feed.attach(gateway);
  observeGateway(metrics, gateway);
  return {
    handleRequest: (request, response) => gateway.handleRequest(request, response),
    handleUpgrade: (request, socket, head) => gateway.handleUpgrade(request, socket, head),
    // The command that went into the outbox with the removal does it, wherever there are subscribers.
    endChannel() {},
    resetAll() {},
    async describe() {
      const { authenticated, channels, subscriptions } = gateway.stats();
      return {
        engine: 'embedded',
        nodes: [{ name: 'this process', clients: authenticated, channels, subscriptions }],
      };
    },
    async disconnectClient(client) {
      gateway.disconnect({ client });
    },
    drain: (periodMs) => gateway.drain(periodMs),
    async close() {
      await gateway.close();
      await feed.close();
    },
  };
}
