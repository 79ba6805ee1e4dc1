/** What is counted of the embedded gateway: transports, codes, namespaces and amounts, never a channel or client. */
import type { Gateway, GatewayMetrics } from '@conclave/gateway';
import type { Metrics } from '@conclave/platform';

/** What the gateway tells by itself. */
export function createGatewayMetrics(metrics: Metrics): Required<GatewayMetrics> {
  const opened = metrics.counter('gateway_connections_opened_total', 'Real-time connections opened.', [
    'transport',
  ]);
  const closed = metrics.counter('gateway_connections_closed_total', 'Real-time connections closed.', [
    'transport',
    'code',
  ]);
  const handled = metrics.counter('gateway_commands_total', 'Commands of clients.', ['method', 'code']);
  const publications = metrics.counter(
    'gateway_publications_total',
    'Publications that this process handed to its connections, however many these were; copies are not counted.',
    ['namespace'],
  );
  const deliveries = metrics.counter(
    'gateway_deliveries_total',
    'Publications times the connections that each was queued for.',
    ['namespace'],
  );
  return {
    connectionOpened: (transport) => opened.inc({ transport }),
    connectionClosed: (transport, code) => closed.inc({ transport, code: String(code) }),
    commandHandled: (method, code) => handled.inc({ method, code: String(code) }),
    published(namespace, subscribers) {
      publications.inc({ namespace });
      deliveries.inc({ namespace }, subscribers);
    },
  };
}

/** What it is asked for. */
export function observeGateway(metrics: Metrics, gateway: Pick<Gateway, 'stats'>): void {
  metrics.observe('gateway_connections', 'Open real-time connections.', () => gateway.stats().connections);
  metrics.observe('gateway_channels', 'Channels with subscribers.', () => gateway.stats().channels);
  metrics.observe(
    'gateway_subscriptions',
    'Subscriptions of all connections.',
    () => gateway.stats().subscriptions,
  );
  metrics.observe(
    'gateway_history_bytes',
    'Octets of kept publications.',
    () => gateway.stats().historyBytes,
  );
  metrics.observe(
    'gateway_queued_bytes',
    'Octets that wait to be sent to clients, in the gateway and in its sockets.',
    () => gateway.stats().queuedBytes,
  );
}
