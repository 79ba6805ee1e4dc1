/**
 * The one description of every setting. Parsing, the environment variables, the flags, the sample file and
 * docs/configuration.md are all derived from it, so a setting cannot exist in one of them only.
 *
 * Every leaf has a default and a description; a secret is never a setting (see ../secrets/server-secrets.ts), but a setting may
 * name the file that holds one: `…File`.
 * Units stand in the names: `…Ms` milliseconds, `…Bytes` octets.
 */
import { z } from 'zod';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

const integer = (min: number, max: number) => z.int().min(min).max(max);

/** A token bucket per client address: `burst` requests at once, refilled at `perMinute`. */
const rateLimit = (what: string, burst: number, perMinute: number) =>
  z
    .strictObject({
      burst: integer(1, 1_000_000).default(burst).describe('Requests allowed at once.'),
      perMinute: integer(1, 1_000_000).default(perMinute).describe('Requests allowed per minute after that.'),
    })
    .prefault({})
    .describe(`${what}, per client address (an IPv6 /64 counts as one).`);

const origin = z
  .string()
  .refine(isOrigin, 'expected an origin: http(s)://host[:port], without path or credentials');

/** The address of a server, without credentials: those are read from files. */
const serverUrl = (...protocols: readonly string[]) =>
  z
    .string()
    .refine(
      (text) => isServerUrl(text, protocols),
      `expected a URL that begins with ${protocols.join(' or ')}, without a password: that is read from a file`,
    );

const secretFile = (what: string) =>
  z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe(`The file that holds ${what}, readable by this user only. null: none is needed.`);

export const roleNames = ['api', 'relay', 'gateway', 'jobs'] as const;
export type Role = (typeof roleNames)[number];

export const configSchema = z.strictObject({
  serverName: z
    .string()
    .max(230)
    .regex(
      /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\d{1,3}(?:\.\d{1,3}){3}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/,
      'expected a Matrix server name: a host name or IP address, with an optional port',
    )
    .nullable()
    .default(null)
    .describe(
      'The part of user ids after the colon. It can never change once an account or group exists. null: the host of publicUrl.',
    ),
  publicUrl: origin
    .nullable()
    .default(null)
    .describe('The origin at which clients reach this server. null: derived from listen.'),
  dataDirectory: z
    .string()
    .min(1)
    .default('./data')
    .describe(
      'Holds the database, attachments and generated secrets. Relative paths start at the working directory.',
    ),
  secretsFile: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe(
      'The file with the root key, made at the first start; all processes of an installation share it. By default secrets.json in dataDirectory.',
    ),
  roles: z
    .array(z.enum(roleNames))
    .min(1)
    .default([...roleNames])
    .describe(
      'What this process does: api answers requests, relay publishes what happened, gateway holds real-time connections, jobs sweeps what expired.',
    ),
  store: z
    .strictObject({
      engine: z
        .enum(['sqlite', 'postgres'])
        .default('sqlite')
        .describe('sqlite: a file in dataDirectory, for one process. postgres: a server, for any number.'),
      url: serverUrl('postgres://', 'postgresql://')
        .nullable()
        .default(null)
        .describe('For postgres: postgres://USER@HOST[:PORT]/DATABASE. A socket folder goes into ?host=.'),
      passwordFile: secretFile('the password'),
      maxConnections: integer(6, 1_000)
        .default(20)
        .describe('For postgres: connections of this process, two of them for listening and leases.'),
    })
    .prefault({})
    .describe('The database, which is the only truth.'),
  bus: z
    .strictObject({
      engine: z
        .enum(['process', 'nats'])
        .default('process')
        .describe(
          'process: within this process, which then is the only one that is ready on its database. nats: NATS JetStream, for any number of processes.',
        ),
      url: serverUrl('nats://', 'tls://')
        .nullable()
        .default(null)
        .describe('For nats: nats://[USER@]HOST[:PORT], several separated by commas.'),
      passwordFile: secretFile('the password, or the token if the URL names no user'),
      stream: z
        .string()
        .regex(/^[A-Za-z0-9_-]{1,32}$/, 'expected letters, digits, - and _')
        .default('EVENTS')
        .describe('For nats: the JetStream stream, made if it is missing.'),
      replicas: integer(1, 5).default(1).describe('For nats: copies of the stream in a NATS cluster.'),
      retentionMs: integer(2 * minuteMs, 365 * dayMs)
        .default(dayMs)
        .describe('For nats: how long the stream keeps messages for consumers that were away.'),
    })
    .prefault({})
    .describe('What carries events from the database to gateways: copies, never truth.'),
  relay: z
    .strictObject({
      shards: integer(1, 256)
        .default(8)
        .describe(
          'Parts of the outbox that different processes may relay. The same in all processes of an installation.',
        ),
      leaseMs: integer(1_000, minuteMs)
        .default(5_000)
        .describe('How long a process that is stuck keeps its part. One that died loses it at once.'),
    })
    .prefault({})
    .describe('The relay, which publishes what the database says has happened.'),
  redis: z
    .strictObject({
      url: serverUrl('redis://', 'rediss://')
        .nullable()
        .default(null)
        .describe(
          'redis://[USER@]HOST[:PORT][/DATABASE] for rate limits, presence and caches that all processes share. null: each process has its own.',
        ),
      passwordFile: secretFile('the password'),
      prefix: z
        .string()
        .regex(/^[A-Za-z0-9:_-]{1,64}$/, 'expected letters, digits, :, - and _')
        .default('conclave:')
        .describe('Begins every key.'),
    })
    .prefault({})
    .describe('Redis, which holds only what may be lost.'),
  blobs: z
    .strictObject({
      engine: z
        .enum(['disk', 's3'])
        .default('disk')
        .describe('disk: a folder in dataDirectory, for one process. s3: a bucket, for any number.'),
      endpoint: serverUrl('http://', 'https://')
        .nullable()
        .default(null)
        .describe('For s3: the server. null: that of the region.'),
      region: z.string().min(1).max(64).default('us-east-1').describe('For s3: the region.'),
      bucket: z
        .string()
        .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'expected the name of a bucket')
        .nullable()
        .default(null)
        .describe('For s3: the bucket, which must exist.'),
      accessKeyId: z.string().min(1).max(256).nullable().default(null).describe('For s3: the access key id.'),
      secretAccessKeyFile: secretFile('the secret access key'),
      pathStyle: z
        .boolean()
        .default(true)
        .describe('For s3: the bucket stands in the path, not in the host name.'),
      previous: z
        .enum(['disk'])
        .nullable()
        .default(null)
        .describe(
          'Where attachments were before, while `conclave migrate-blobs` moves them: what is not in the new place yet is read there. null: nowhere else.',
        ),
      masterKeysFile: secretFile(
        'the master keys that encrypt blobs at rest, made by `conclave admin blob-keys`',
      ),
    })
    .prefault({})
    .describe('Where attachments are kept.'),
  tracing: z
    .strictObject({
      endpoint: serverUrl('http://', 'https://')
        .nullable()
        .default(null)
        .describe('Where OpenTelemetry traces go (OTLP over HTTP). null: no traces.'),
      sampleRatio: z
        .number()
        .min(0)
        .max(1)
        .default(0.01)
        .describe('The share of requests that are traced, unless the caller says that it traces its own.'),
    })
    .prefault({})
    .describe('Traces of single messages through all processes.'),
  listen: z
    .strictObject({
      host: z
        .string()
        .min(1)
        .default('localhost')
        .describe('Address to listen on. 0.0.0.0 or :: accepts connections from other machines.'),
      port: integer(0, 65_535).default(8008).describe('TCP port; 0 lets the system choose.'),
      trustedProxies: z
        .array(
          z
            .string()
            .regex(
              /^(?:[0-9A-Fa-f:.]+(?:\/\d{1,3})?|loopback|linklocal|uniquelocal)$/,
              'expected an address or CIDR range',
            ),
        )
        .max(64)
        .default([])
        .describe(
          'Addresses whose X-Forwarded-For is believed. Anyone else could otherwise pick the address that rate limits see.',
        ),
      allowedOrigins: z
        .array(z.union([z.literal('*'), origin]))
        .max(64)
        .default([])
        .describe(
          'Web origins, other than publicUrl, whose pages may use /_conclave and the real-time gateway. "*" allows every page. Matrix routes always answer every origin, as Matrix requires.',
        ),
      requestTimeoutMs: integer(100, 10 * minuteMs)
        .default(30_000)
        .describe(
          'Time within which a whole request must have arrived; a slower upload is cut off and leaves nothing.',
        ),
      maxJsonBytes: integer(1_024, 1_048_576).default(65_536).describe('Largest accepted JSON body.'),
      maxConnections: integer(1, 1_000_000)
        .default(20_000)
        .describe('Open sockets above which new ones are closed at once.'),
    })
    .prefault({})
    .describe('The public HTTP listener, which also carries the real-time gateway.'),
  admin: z
    .strictObject({
      enabled: z.boolean().default(true).describe('Whether the operator listener is opened.'),
      host: z
        .string()
        .min(1)
        .default('127.0.0.1')
        .describe(
          'Address of the operator listener. It has no credentials of its own: keep it unreachable for others.',
        ),
      port: integer(0, 65_535)
        .default(8009)
        .describe('TCP port of the operator listener; 0 lets the system choose.'),
    })
    .prefault({})
    .describe('The operator listener: /metrics, /health and /ready.'),
  log: z
    .strictObject({
      level: z
        .enum(['error', 'warn', 'info', 'debug', 'silent'])
        .default('info')
        .describe('Least severe level that is logged.'),
    })
    .prefault({})
    .describe('Structured logs: JSON lines on standard error.'),
  accounts: z
    .strictObject({
      registration: z
        .enum(['open', 'token', 'closed'])
        .default('token')
        .describe('Who may register: anyone, holders of a registration token, or nobody.'),
      minPasswordLength: integer(1, 128).default(8).describe('Fewest characters of a new password.'),
      accessTokenLifetimeMs: integer(1_000, 30 * dayMs)
        .default(hourMs)
        .describe('Lifetime of an access token of a client that can refresh it.'),
      refreshTokenLifetimeMs: integer(minuteMs, 3_650 * dayMs)
        .default(90 * dayMs)
        .describe('How long a refresh token works when it is not used.'),
      hashConcurrency: integer(1, 64)
        .default(2)
        .describe('Passwords hashed at the same time; each takes a thread and 19 MiB.'),
      hashQueue: integer(1, 10_000)
        .default(64)
        .describe('Password operations that may wait; more are refused with CONCLAVE_OVERLOADED.'),
    })
    .prefault({})
    .describe('Accounts, their passwords and tokens.'),
  transfers: z
    .strictObject({
      maxBytes: integer(1, 1_048_576).default(65_536).describe('Largest single transfer.'),
      defaultTtlMs: integer(1_000, 30 * dayMs)
        .default(dayMs)
        .describe('Lifetime of a transfer whose creator names none.'),
      maxTtlMs: integer(1_000, 30 * dayMs)
        .default(7 * dayMs)
        .describe('Longest lifetime that a creator may ask for.'),
      quotaBytes: integer(1, 2 ** 40)
        .default(268_435_456)
        .describe('Octets of all unread transfers together.'),
      quotaCount: integer(1, 100_000_000)
        .default(100_000)
        .describe('Number of all unread transfers together.'),
    })
    .prefault({})
    .describe('The one-read store for invites and other small secrets.'),
  gateway: z
    .strictObject({
      engine: z
        .enum(['embedded', 'centrifugo'])
        .default('embedded')
        .describe('embedded: in processes with the role gateway. centrifugo: a Centrifugo v6 server.'),
      publicUrl: origin
        .nullable()
        .default(null)
        .describe('The origin at which clients reach the gateway. null: that of publicUrl.'),
      apiUrl: serverUrl('http://', 'https://')
        .nullable()
        .default(null)
        .describe(
          "For centrifugo: where its HTTP API is reached by this server, for health and operators' commands.",
        ),
      apiKeyFile: secretFile("the key of Centrifugo's HTTP API").describe(
        "The file that holds the key of Centrifugo's HTTP API, readable by this user only. null: the key that `conclave config centrifugo` prints, which follows from the root key.",
      ),
      tokenLifetimeMs: integer(10_000, dayMs)
        .default(10 * minuteMs)
        .describe('Lifetime of connection and subscription tokens; clients refresh them.'),
      historySize: integer(1, 10_000)
        .default(256)
        .describe('Publications kept per channel, so that a client that was away for a moment misses none.'),
      historyTtlMs: integer(1_000, dayMs)
        .default(10 * minuteMs)
        .describe('How long a publication is kept.'),
      maxConnectionsPerAddress: integer(1, 1_000_000)
        .default(4_096)
        .describe('Open real-time connections per client address.'),
    })
    .prefault({})
    .describe('The real-time gateway: in this process, in another one, or Centrifugo.'),
  sealedGroups: z
    .strictObject({
      maxPerAccount: integer(1, 1_000_000).default(1_000).describe('Groups that one account may create.'),
      maxBlobBytes: integer(1, 2 ** 40)
        .default(104_857_600)
        .describe('Largest single attachment, as encrypted by the client.'),
      blobQuotaBytes: integer(1, 2 ** 50)
        .default(2_147_483_648)
        .describe('Octets of all attachments of one group together.'),
      cacheNodes: integer(1_024, 2 ** 31)
        .default(1_000_000)
        .describe(
          'Tree nodes of groups kept in memory, 100 to 300 octets each; a group of n members has about 2n.',
        ),
      cacheGroups: integer(16, 2 ** 31)
        .default(10_000)
        .describe('Groups kept in memory without their trees, about 6 KiB each.'),
      cacheIdleMs: integer(1_000, dayMs)
        .default(10 * minuteMs)
        .describe('How long a group that nobody asks for stays in memory.'),
      historyRetentionMs: integer(30 * dayMs, 3_650 * dayMs)
        .default(30 * dayMs)
        .describe(
          'How long the tree of an epoch can be read after the next commit. At least the longest life of an invite: its newcomer needs the tree of the epoch that added it. Frames are kept for ever.',
        ),
      maxWaitingPerGroup: integer(1, 100_000)
        .default(1_024)
        .describe(
          'Frames of one group that may wait to be judged; more are refused with CONCLAVE_OVERLOADED.',
        ),
      maxWaiting: integer(1, 1_000_000).default(8_192).describe('The same for all groups together.'),
    })
    .prefault({})
    .describe('Sealed groups, whose members the server does not know.'),
  proofs: z
    .strictObject({
      workers: integer(1, 64)
        .nullable()
        .default(null)
        .describe(
          'Threads that verify the proofs of commits; one more verifies messages. Each takes some 30 MiB. null: one fewer than the machine has cores, eight at most.',
        ),
      maxWaiting: integer(1, 1_000_000)
        .default(8_192)
        .describe(
          'Frames whose proofs may wait to be verified, in each of the two queues; more are refused with CONCLAVE_OVERLOADED.',
        ),
      maxWaitingPerGroup: integer(1, 1_000_000).default(1_024).describe('The same for one group.'),
      maxWaitingPoints: integer(1_024, 2 ** 31)
        .default(1_000_000)
        .describe(
          'What the waiting proofs may cost, in points to decode and multiply: a message has 2, a commit 16 for each recipient. A core does about 50,000 a second.',
        ),
      maxWaitingPointsPerGroup: integer(1_024, 2 ** 31)
        .default(250_000)
        .describe('The same for one group, whose first frame is taken whatever it costs.'),
    })
    .prefault({})
    .describe('Verification of proofs, on threads of its own.'),
  rateLimits: z
    .strictObject({
      login: rateLimit('Logging in and proving a password', 10, 20),
      registration: rateLimit('Registering, and asking whether a name or token is free', 20, 30),
      refresh: rateLimit('Refreshing tokens', 30, 60),
      transferCreate: rateLimit('Creating transfers', 20, 30),
      transferRead: rateLimit('Reading transfers', 60, 120),
      groupCreate: rateLimit('Creating sealed groups', 20, 30),
      framePost: rateLimit('Posting frames to sealed groups', 600, 3_000),
      readProof: rateLimit('Proving membership in order to read', 120, 240),
      groupRead: rateLimit('Reading sealed groups', 600, 3_000),
      blobPut: rateLimit('Uploading attachments', 60, 120),
      request: rateLimit('All requests together', 2_000, 12_000),
    })
    .prefault({})
    .describe('Limits by client address. Passwords are limited per account as well.'),
  jobs: z
    .strictObject({
      sweepIntervalMs: integer(100, dayMs).default(minuteMs).describe('How often expired rows are deleted.'),
      attachmentSweepIntervalMs: integer(100, 30 * dayMs)
        .default(hourMs)
        .describe(
          'How often up to 50,000 stored attachments, from where the last time ended, are compared with the database, and those that nothing names are deleted.',
        ),
    })
    .prefault({})
    .describe('Background work.'),
  shutdown: z
    .strictObject({
      graceMs: integer(0, 5 * minuteMs)
        .default(10_000)
        .describe('Time for running requests to end after SIGTERM, before their sockets are closed.'),
      drainMs: integer(0, 5 * minuteMs)
        .default(0)
        .describe(
          'Time after SIGTERM in which readiness fails and requests are still answered, so that a load balancer looks away first.',
        ),
    })
    .prefault({})
    .describe('Stopping.'),
});

/** Every setting with a value, as parsed. Nothing in it is secret. */
export type Config = z.output<typeof configSchema>;
/** What a test or a caller may give: any part of it. */
export type ConfigInput = z.input<typeof configSchema>;

/** True for URLs of the protocols without a password, several of them separated by commas. */
function isServerUrl(text: string, protocols: readonly string[]): boolean {
  return text.split(',').every((part) => {
    const url = URL.parse(part);
    return url !== null && url.password === '' && protocols.some((protocol) => part.startsWith(protocol));
  });
}

/** True for `http(s)://host[:port]` and nothing more. */
function isOrigin(text: string): boolean {
  const url = URL.parse(text);
  return (
    url !== null &&
    (url.protocol === 'http:' || url.protocol === 'https:') &&
    url.origin === text.replace(/\/$/, '')
  );
}
