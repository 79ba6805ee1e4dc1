/** The table that tells people where things are. */
import { join } from 'node:path';
import type { Cluster } from '@conclave/testkit/cluster';

export interface AccessPoint {
  readonly service: string;
  readonly url: string;
  readonly purpose: string;
}

/** Passwords stand in files; the table names those. What deploy/start.sh prints, in the same order. */
export function accessPointsOf(cluster: Cluster, natsMonitoringUrl: string): AccessPoint[] {
  const { postgres, nats, redis, s3, centrifugo } = cluster.engines;
  const realTimeUrl = centrifugo?.url ?? cluster.url;
  const by = centrifugo === undefined ? 'the embedded gateway' : 'Centrifugo';
  return [
    { service: 'Conclave', url: cluster.url, purpose: 'API for clients and browsers, by the load balancer' },
    {
      service: 'Conclave health',
      url: `${cluster.url}/ready`,
      purpose: 'Whether a process can do its work; /health: whether one runs',
    },
    {
      service: 'Real time, WebSocket',
      url: `${realTimeUrl.replace(/^http/, 'ws')}/connection/websocket`,
      purpose: `Messages as they come, from ${by}`,
    },
    {
      service: 'Real time, SSE',
      url: `${realTimeUrl}/connection/uni_sse`,
      purpose: 'Server-sent events, one way',
    },
    ...cluster.servers.map(({ name, adminUrl }) => ({
      service: `Process ${name}`,
      url: `${adminUrl}/metrics`,
      purpose: 'Metrics; /health and /ready; operator commands',
    })),
    ...(centrifugo === undefined
      ? []
      : [
          {
            service: 'Centrifugo admin',
            url: `${centrifugo.apiUrl}/admin`,
            purpose: `Admin pages; password in ${centrifugo.configurationFile}`,
          },
          {
            service: 'Centrifugo API',
            url: `${centrifugo.apiUrl}/api`,
            purpose: 'HTTP API; key in the same file',
          },
          {
            service: 'Centrifugo metrics',
            url: `${centrifugo.apiUrl}/metrics`,
            purpose: 'For Prometheus; /health',
          },
        ]),
    {
      service: 'PostgreSQL',
      url: postgres.url,
      purpose: `The database; password in ${postgres.passwordFile}`,
    },
    { service: 'NATS JetStream', url: nats.url, purpose: `Stream EVENTS; password in ${nats.passwordFile}` },
    {
      service: 'NATS monitoring',
      url: natsMonitoringUrl,
      purpose: 'JetStream, its stream and consumers: /jsz?consumers=1',
    },
    { service: 'Redis', url: redis.url, purpose: `Limits, presence; password in ${redis.passwordFile}` },
    {
      service: 'S3',
      url: s3.endpoint,
      purpose: `Attachments; key of ${s3.accessKeyId} in ${s3.secretAccessKeyFile}`,
    },
    {
      service: 'HAProxy statistics',
      url: `unix:${join(cluster.folder, 'load-balancer', 'control')}`,
      purpose: 'Its control socket: show stat',
    },
  ];
}

/** Aligned columns, two blanks apart. */
export function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const lines = all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  lines.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('  '));
  return lines.map((line) => `  ${line}\n`).join('');
}
