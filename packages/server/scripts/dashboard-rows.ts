/**
 * What the Grafana dashboard shows, in the order of a message's way. The JSON is made of this (render-dashboard.ts), and a test
 * checks every expression against the table of metrics.
 *
 * `$process` selects processes; `$__rate_interval` is Grafana's, which fits the scrape interval.
 */

export interface Panel {
  readonly title: string;
  /** What it means, and what to look at when it is not as usual. */
  readonly description: string;
  readonly unit: 's' | 'short' | 'bytes' | 'reqps' | 'percentunit' | 'bool_yes_no';
  /** In 24ths of the width. */
  readonly width?: 6 | 8 | 12;
  readonly kind?: 'timeseries' | 'stat';
  readonly series: readonly { readonly name: string; readonly expression: string }[];
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

const selector = 'instance=~"$process"';

/** Events a second, of all selected processes together, told apart by `by`. */
function rate(metric: string, by = '', where = ''): string {
  const sum = `rate(${metric}{${selector}${where && `,${where}`}}[$__rate_interval])`;
  return by === '' ? `sum(${sum})` : `sum by (${by}) (${sum})`;
}

/** The sum over processes. */
function sum(metric: string, by = ''): string {
  return by === '' ? `sum(${metric}{${selector}})` : `sum by (${by}) (${metric}{${selector}})`;
}

/** Of what all processes see alike. */
function most(metric: string): string {
  return `max(${metric}{${selector}})`;
}

function each(metric: string): string {
  return `${metric}{${selector}}`;
}

/** Median, 95th and 99th percentile of a histogram. */
function percentiles(metric: string, where = ''): Panel['series'] {
  return [0.5, 0.95, 0.99].map((quantile) => ({
    name: `p${quantile * 100}`,
    expression: `histogram_quantile(${quantile}, sum by (le) (rate(${metric}_bucket{${selector}${where && `,${where}`}}[$__rate_interval])))`,
  }));
}

function percentileBy(quantile: number, metric: string, by: string): Panel['series'] {
  return [
    {
      name: `p${quantile * 100} {{${by}}}`,
      expression: `histogram_quantile(${quantile}, sum by (le, ${by}) (rate(${metric}_bucket{${selector}}[$__rate_interval])))`,
    },
  ];
}

export const dashboardRows: readonly Row[] = [
  {
    title: 'The way of a message',
    panels: [
      {
        title: 'Messages a second, stage by stage',
        description:
          'Accepted and durable, told to the bus, handed to the subscribers of a process. Relayed is above accepted when several announcements follow from one frame; a stage that stays below the one before for minutes is the one to look at.',
        unit: 'reqps',
        width: 12,
        series: [
          { name: 'accepted', expression: rate('conclave_sealed_frames_accepted_total') },
          { name: 'relayed', expression: rate('conclave_relay_published_total') },
          { name: 'delivered', expression: rate('conclave_gateway_publications_total') },
        ],
      },
      {
        title: 'From acceptance to sockets',
        description:
          'By the clock of the database, once per message and process that has subscribers. The frames’ own acceptance comes before it.',
        unit: 's',
        width: 12,
        series: percentiles('conclave_delivery_duration_seconds'),
      },
      {
        title: 'Oldest row of the outbox',
        description: 'How far delivery is behind acceptance. Above some seconds: relay, bus or their leases.',
        unit: 's',
        width: 6,
        kind: 'stat',
        series: [{ name: 'age', expression: most('conclave_outbox_oldest_age_seconds') }],
      },
      {
        title: 'Rows that wait',
        description: 'Rows of the outbox that the bus has not acknowledged; counted up to 100,000.',
        unit: 'short',
        width: 6,
        kind: 'stat',
        series: [{ name: 'rows', expression: most('conclave_outbox_pending') }],
      },
      {
        title: 'Parked rows',
        description: 'Rows that the bus kept refusing, set aside: the log says why.',
        unit: 'short',
        width: 6,
        kind: 'stat',
        series: [{ name: 'rows', expression: most('conclave_outbox_parked') }],
      },
      {
        title: 'Real-time connections',
        description: 'Of the embedded gateways. Centrifugo has metrics of its own.',
        unit: 'short',
        width: 6,
        kind: 'stat',
        series: [{ name: 'connections', expression: sum('conclave_gateway_connections') }],
      },
    ],
  },
  {
    title: 'Requests',
    panels: [
      {
        title: 'Requests by status',
        description: 'Answers a second. 503 is a server that is full or stopping, 429 a limit, 500 a bug.',
        unit: 'reqps',
        width: 8,
        series: [
          { name: '{{status}}', expression: rate('conclave_http_request_duration_seconds_count', 'status') },
        ],
      },
      {
        title: 'Time of requests',
        description: 'From the arrival of a request to the end of its answer, of all routes.',
        unit: 's',
        width: 8,
        series: percentiles('conclave_http_request_duration_seconds'),
      },
      {
        title: 'Slowest routes',
        description: 'The 95th percentile, the ten highest.',
        unit: 's',
        width: 8,
        series: [
          {
            name: '{{method}} {{route}}',
            expression: `topk(10, histogram_quantile(0.95, sum by (le, method, route) (rate(conclave_http_request_duration_seconds_bucket{${selector}}[$__rate_interval]))))`,
          },
        ],
      },
    ],
  },
  {
    title: 'Accepting frames',
    panels: [
      {
        title: 'Time to accept a frame',
        description: 'From a whole frame to a durable one: proofs, gate, store.',
        unit: 's',
        width: 8,
        series: percentiles('conclave_sealed_acceptance_duration_seconds'),
      },
      {
        title: 'Refused frames by code',
        description:
          'Codes are explained in docs/errors.md. Many CONCLAVE_NOT_ELIGIBLE are outsiders who try.',
        unit: 'reqps',
        width: 8,
        series: [{ name: '{{code}}', expression: rate('conclave_sealed_frames_refused_total', 'code') }],
      },
      {
        title: 'Frames that are judged or wait for it',
        description: 'In the gates of their groups.',
        unit: 'short',
        width: 8,
        series: [{ name: '{{instance}}', expression: each('conclave_sealed_frames_waiting') }],
      },
      {
        title: 'Proofs that wait for a worker',
        description: 'By lane: express has messages, main has commits.',
        unit: 'short',
        width: 8,
        series: [{ name: '{{lane}}', expression: sum('conclave_proof_waiting_frames', 'lane') }],
      },
      {
        title: 'Wait for a worker, and verification',
        description: 'The 95th percentile by lane.',
        unit: 's',
        width: 8,
        series: [
          ...percentileBy(0.95, 'conclave_proof_wait_seconds', 'lane').map(({ expression }) => ({
            name: 'wait {{lane}}',
            expression,
          })),
          ...percentileBy(0.95, 'conclave_proof_verification_seconds', 'lane').map(({ expression }) => ({
            name: 'verification {{lane}}',
            expression,
          })),
        ],
      },
      {
        title: 'Refused proofs, dead workers',
        description: 'Refused: too much waited. A worker that dies is replaced; the log says over what.',
        unit: 'short',
        width: 8,
        series: [
          { name: 'refused: {{reason}}', expression: rate('conclave_proof_refused_total', 'reason') },
          { name: 'deaths {{lane}}', expression: rate('conclave_proof_worker_deaths_total', 'lane') },
        ],
      },
    ],
  },
  {
    title: 'Store, leases, attachments',
    panels: [
      {
        title: 'Units of work a second',
        description: 'Whatever their outcome.',
        unit: 'reqps',
        width: 6,
        series: [{ name: '{{instance}}', expression: rate('conclave_store_units_total', 'instance') }],
      },
      {
        title: 'Time of a commit',
        description:
          'SQLite: a group of units, with its sync to disk. PostgreSQL: a unit, with its wait for a connection.',
        unit: 's',
        width: 6,
        series: [
          ...percentiles('conclave_store_commit_duration_seconds').map((series) => ({
            ...series,
            name: `SQLite ${series.name}`,
          })),
          ...percentiles('conclave_store_unit_duration_seconds').map((series) => ({
            ...series,
            name: `PostgreSQL ${series.name}`,
          })),
        ],
      },
      {
        title: 'Units that wait, reads under way',
        description: 'Per process. Waiting for long: connections are too few or the database is slow.',
        unit: 'short',
        width: 6,
        series: [
          { name: 'units {{instance}}', expression: each('conclave_store_queued_units') },
          { name: 'reads {{instance}}', expression: each('conclave_store_reads') },
        ],
      },
      {
        title: 'Retries and failures',
        description:
          'Retries: conflicts between processes, which are usual, and lost connections. Failures were answered with 503.',
        unit: 'reqps',
        width: 6,
        series: [
          { name: 'retried: {{reason}}', expression: rate('conclave_store_retries_total', 'reason') },
          { name: 'failed: {{code}}', expression: rate('conclave_store_failed_units_total', 'code') },
          { name: 'failed: {{code}}', expression: rate('conclave_store_failed_commits_total', 'code') },
        ],
      },
      {
        title: 'Connections to PostgreSQL',
        description:
          'For units of work, of all processes. The limit counts those for reading and listening, too.',
        unit: 'short',
        width: 8,
        series: [
          { name: '{{state}}', expression: sum('conclave_store_connections', 'state') },
          { name: 'limit', expression: sum('conclave_store_connections_limit') },
        ],
      },
      {
        title: 'Leases',
        description:
          'Held by each process: shards of the outbox, jobs. Lost: by expiry, or with the connection.',
        unit: 'short',
        width: 8,
        series: [
          { name: 'held {{instance}}', expression: each('conclave_leases_held') },
          { name: 'lost {{instance}}', expression: rate('conclave_leases_lost_total', 'instance') },
        ],
      },
      {
        title: 'Attachments',
        description:
          'The 95th percentile of operations on the blob store, those that failed or were refused, and downloads that were broken off.',
        unit: 's',
        width: 8,
        series: [
          ...percentileBy(0.95, 'conclave_blob_operation_duration_seconds', 'operation'),
          {
            name: 'failed: {{operation}} {{code}}',
            expression: rate('conclave_blob_failures_total', 'operation, code'),
          },
          { name: 'broken off: {{code}}', expression: rate('conclave_blob_downloads_broken_total', 'code') },
        ],
      },
    ],
  },
  {
    title: 'Relay and bus',
    panels: [
      {
        title: 'From acceptance to the bus',
        description: 'By the clock of the database, until the bus acknowledged.',
        unit: 's',
        width: 8,
        series: percentiles('conclave_relay_delay_seconds'),
      },
      {
        title: 'Time of the bus to acknowledge',
        description: 'Of NATS JetStream.',
        unit: 's',
        width: 8,
        series: percentiles('conclave_bus_publish_duration_seconds'),
      },
      {
        title: 'Refusals, gaps, lost messages',
        description: 'Gaps cost clients one read of the log; nothing is lost by them.',
        unit: 'reqps',
        width: 8,
        series: [
          { name: 'relay: refused', expression: rate('conclave_relay_refused_total') },
          { name: 'bus: {{code}}', expression: rate('conclave_bus_publish_failures_total', 'code') },
          { name: 'bus: full', expression: rate('conclave_bus_full_total') },
          { name: 'bus: gaps', expression: rate('conclave_bus_gaps_total') },
          { name: 'bus: handlers failed', expression: rate('conclave_bus_handler_errors_total') },
          { name: 'relay: no store', expression: rate('conclave_relay_errors_total') },
        ],
      },
      {
        title: 'Shards per process',
        description: 'Their sum is the setting relay.shards; less means that nobody relays some of them.',
        unit: 'short',
        width: 6,
        series: [{ name: '{{instance}}', expression: each('conclave_relay_shards') }],
      },
      {
        title: 'Rows in memory, publications under way',
        description: 'Of all relays together.',
        unit: 'short',
        width: 6,
        series: [
          { name: 'rows', expression: sum('conclave_relay_buffered_rows') },
          { name: 'publications', expression: sum('conclave_relay_publications') },
          { name: 'keys that back off', expression: sum('conclave_relay_blocked_keys') },
        ],
      },
      {
        title: 'Waiting for handlers',
        description: 'Messages that came from the bus and have not been handled, per process.',
        unit: 'short',
        width: 6,
        series: [{ name: '{{instance}}', expression: each('conclave_bus_waiting_messages') }],
      },
      {
        title: 'Connected to the bus',
        description: 'Per process.',
        unit: 'bool_yes_no',
        width: 6,
        series: [{ name: '{{instance}}', expression: each('conclave_bus_connected') }],
      },
    ],
  },
  {
    title: 'Gateway',
    panels: [
      {
        title: 'Connections and subscriptions',
        description: 'Of all embedded gateways.',
        unit: 'short',
        width: 6,
        series: [
          { name: 'connections', expression: sum('conclave_gateway_connections') },
          { name: 'subscriptions', expression: sum('conclave_gateway_subscriptions') },
          { name: 'channels', expression: sum('conclave_gateway_channels') },
        ],
      },
      {
        title: 'Deliveries a second',
        description: 'Publications times the connections that each was queued for.',
        unit: 'reqps',
        width: 6,
        series: [
          { name: '{{namespace}}', expression: rate('conclave_gateway_deliveries_total', 'namespace') },
        ],
      },
      {
        title: 'Octets that wait for clients',
        description:
          'In the gateway and its sockets. It grows when clients read slowly; each is cut off at its bound.',
        unit: 'bytes',
        width: 6,
        series: [
          { name: 'queued', expression: sum('conclave_gateway_queued_bytes') },
          { name: 'history', expression: sum('conclave_gateway_history_bytes') },
        ],
      },
      {
        title: 'Connections opened and closed',
        description: 'Closed by code: 3000 and above are explained in packages/gateway/src/codes.ts.',
        unit: 'reqps',
        width: 6,
        series: [
          { name: 'opened', expression: rate('conclave_gateway_connections_opened_total') },
          { name: 'closed {{code}}', expression: rate('conclave_gateway_connections_closed_total', 'code') },
          { name: 'reset after a gap', expression: rate('conclave_gateway_resets_total') },
        ],
      },
    ],
  },
  {
    title: 'Engines besides',
    panels: [
      {
        title: 'Redis answers',
        description:
          'Per process. While it does not, limits are each process’s own, and presence is unknown.',
        unit: 'bool_yes_no',
        width: 6,
        series: [{ name: '{{instance}}', expression: each('conclave_redis_up') }],
      },
      {
        title: 'Questions to Redis',
        description: 'By outcome.',
        unit: 'reqps',
        width: 6,
        series: [{ name: '{{outcome}}', expression: rate('conclave_redis_calls_total', 'outcome') }],
      },
      {
        title: 'Limits without Redis',
        description: 'Decisions that a process took by itself.',
        unit: 'reqps',
        width: 6,
        series: [{ name: '{{limit}}', expression: rate('conclave_rate_limit_fallbacks_total', 'limit') }],
      },
      {
        title: 'Centrifugo answers',
        description: 'Per process, where gateway.engine is centrifugo.',
        unit: 'bool_yes_no',
        width: 6,
        series: [{ name: '{{instance}}', expression: each('conclave_gateway_up') }],
      },
    ],
  },
  {
    title: 'Processes',
    panels: [
      {
        title: 'Processor time',
        description: 'Cores used by each process, threads of the proof engine included.',
        unit: 'short',
        width: 6,
        series: [{ name: '{{instance}}', expression: rate('process_cpu_seconds_total', 'instance') }],
      },
      {
        title: 'Memory',
        description: 'Resident memory of each process.',
        unit: 'bytes',
        width: 6,
        series: [{ name: '{{instance}}', expression: each('process_resident_memory_bytes') }],
      },
      {
        title: 'The event loop is held',
        description:
          'The longest delay of each second, 95th percentile. Above 10 ms something computes that belongs on a worker.',
        unit: 's',
        width: 6,
        series: percentileBy(0.95, 'conclave_event_loop_delay_seconds', 'instance'),
      },
      {
        title: 'Jobs, unread metrics, lost spans',
        description:
          'Runs of jobs that failed, values that could not be read, spans that did not reach the collector.',
        unit: 'reqps',
        width: 6,
        series: [
          {
            name: 'job failed: {{task}}',
            expression: rate('conclave_jobs_total', 'task', 'outcome="failed"'),
          },
          { name: 'unread: {{metric}}', expression: rate('conclave_metrics_unread_total', 'metric') },
          {
            name: 'spans {{outcome}}',
            expression: rate('conclave_tracing_spans_total', 'outcome', 'outcome!="exported"'),
          },
        ],
      },
    ],
  },
];
