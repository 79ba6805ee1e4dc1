/** The table that tells people where things are. */
import type { Cluster } from '@conclave/testkit/cluster';

export interface AccessPoint {
  readonly service: string;
  readonly url: string;
  readonly purpose: string;
}

/** Passwords stand in files; the table names those. */
export function accessPointsOf(cluster: Cluster): AccessPoint[] {
  const { postgres, nats, redis, s3, centrifugo } = cluster.engines;
  return [
    { service: 'Conclave', url: cluster.url, purpose: 'Clients and browsers, through the load balancer' },
    ...cluster.servers.map(({ name, adminUrl }) => ({
      service: `Process ${name}`,
      url: `${adminUrl}/metrics`,
      purpose: 'Metrics, health, operator commands',
    })),
    ...(centrifugo === undefined
      ? []
      : [
          { service: 'Centrifugo', url: centrifugo.url, purpose: 'Real-time connections: WebSocket, SSE' },
          {
            service: 'Centrifugo SSE',
            url: `${centrifugo.url}/connection/uni_sse`,
            purpose: 'Server-sent events, one way',
          },
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
        ]),
    {
      service: 'PostgreSQL',
      url: postgres.url,
      purpose: `The database; password in ${postgres.passwordFile}`,
    },
    { service: 'NATS JetStream', url: nats.url, purpose: `Stream EVENTS; password in ${nats.passwordFile}` },
    { service: 'Redis', url: redis.url, purpose: `Limits, presence; password in ${redis.passwordFile}` },
    {
      service: 'S3',
      url: s3.endpoint,
      purpose: `Attachments; key of ${s3.accessKeyId} in ${s3.secretAccessKeyFile}`,
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
