/**
 * Centrifugo's HTTP API, as far as this server uses it: what is published goes another way, through the bus.
 *
 * Every call ends within `timeoutMs` for each of at most `attempts` attempts, and rejects with {@link CentrifugoError}
 * otherwise. Only what may be different next time is tried again: no answer, a 5xx, and Centrifugo's "internal" error.
 * All of it may be done twice. Source: centrifugal.dev/docs/server/server_api.
 */
import { z } from 'zod';
import type { Clock } from '@conclave/platform';

export type CentrifugoErrorCode = 'CENTRIFUGO_UNREACHABLE' | 'CENTRIFUGO_REFUSED' | 'CENTRIFUGO_BAD_ANSWER';

/** Quotes neither the key nor what was sent. */
export class CentrifugoError extends Error {
  override readonly name = 'CentrifugoError';
  readonly code: CentrifugoErrorCode;
  /** True: the same call may succeed later. */
  readonly isTransient: boolean;

  constructor(code: CentrifugoErrorCode, message: string, isTransient: boolean, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.isTransient = isTransient;
  }
}

export interface CentrifugoApiOptions {
  /** Where the API is reached, without `/api`. */
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly clock: Clock;
  readonly timeoutMs?: number;
  readonly attempts?: number;
  /** Before the second attempt; then twice as long each time. */
  readonly pauseMs?: number;
}

export interface CentrifugoNode {
  readonly name: string;
  readonly version: string;
  readonly clients: number;
  readonly channels: number;
  readonly subscriptions: number;
  readonly uptimeSeconds: number;
}

export interface CentrifugoApi {
  /** Ends the subscriptions of a user (the anonymous one is '') to a channel, with code 2000. */
  unsubscribe(target: { readonly channel: string; readonly user: string }): Promise<void>;
  /** Ends connections of a user, or one of them; by default with code 3503, and they do not come back by themselves. */
  disconnect(
    target: { readonly user: string; readonly client?: string },
    disconnect?: { readonly code: number; readonly reason: string },
  ): Promise<void>;
  /** The nodes that know of each other. */
  info(): Promise<readonly CentrifugoNode[]>;
  /** Channels with subscribers, and how many each has. A pattern is a glob: `group:ID.*`. */
  channels(pattern?: string): Promise<ReadonlyMap<string, number>>;
}

/** Larger answers are none of ours. */
const maxAnswerBytes = 4 * 1024 * 1024;
/** Centrifugo's own error "internal". */
const internalError = 100;

const answerSchema = z.union([
  z.object({ error: z.object({ code: z.number(), message: z.string() }) }),
  z.object({ result: z.unknown() }),
]);

const count = z.number().default(0);
const infoSchema = z.object({
  nodes: z.array(
    z.object({
      name: z.string().default(''),
      version: z.string().default(''),
      num_clients: count,
      num_channels: count,
      num_subs: count,
      uptime: count,
    }),
  ),
});
const channelsSchema = z.object({
  channels: z.record(z.string(), z.object({ num_clients: count })).default({}),
});

export function createCentrifugoApi(options: CentrifugoApiOptions): CentrifugoApi {
  const { apiKey, clock, timeoutMs = 2_000, attempts = 3, pauseMs = 100 } = options;
  const base = options.apiUrl.replace(/\/$/, '');

  async function call<T>(method: string, payload: object, schema: z.ZodType<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return parse(schema, await callOnce(method, payload));
      } catch (error) {
        if (attempt >= attempts || !(error instanceof CentrifugoError && error.isTransient)) throw error;
      }
      await pause(clock, pauseMs * 2 ** (attempt - 1));
    }
  }

  async function callOnce(method: string, payload: object): Promise<unknown> {
    let status: number;
    let text: string;
    try {
      const response = await fetch(`${base}/api/${method}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-api-key': apiKey },
        body: JSON.stringify(payload),
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      });
      status = response.status;
      text = await readBounded(response);
    } catch (cause) {
      if (cause instanceof CentrifugoError) throw cause;
      throw new CentrifugoError('CENTRIFUGO_UNREACHABLE', 'Centrifugo does not answer', true, { cause });
    }
    if (status !== 200) {
      throw new CentrifugoError(
        'CENTRIFUGO_REFUSED',
        `Centrifugo answered ${status} to ${method}`,
        status >= 500,
      );
    }
    const answer = parse(answerSchema, parseJson(text));
    if ('result' in answer) return answer.result;
    const { code } = answer.error;
    throw new CentrifugoError(
      'CENTRIFUGO_REFUSED',
      `Centrifugo refused ${method} (${code})`,
      code === internalError,
    );
  }

  const nothing = z.unknown();
  return {
    async unsubscribe({ channel, user }) {
      await call('unsubscribe', { channel, user }, nothing);
    },
    async disconnect({ user, client }, disconnect) {
      const how = { ...(client !== undefined && { client }), ...(disconnect && { disconnect }) };
      await call('disconnect', { user, ...how }, nothing);
    },
    async info() {
      const { nodes } = await call('info', {}, infoSchema);
      return nodes.map((node) => ({
        name: node.name,
        version: node.version,
        clients: node.num_clients,
        channels: node.num_channels,
        subscriptions: node.num_subs,
        uptimeSeconds: node.uptime,
      }));
    },
    async channels(pattern) {
      const { channels } = await call('channels', pattern === undefined ? {} : { pattern }, channelsSchema);
      return new Map(Object.entries(channels).map(([name, { num_clients }]) => [name, num_clients]));
    },
  };
}

async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > maxAnswerBytes) throw badAnswer();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw badAnswer({ cause });
  }
}

function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw badAnswer();
  return parsed.data;
}

function badAnswer(options?: ErrorOptions): CentrifugoError {
  return new CentrifugoError(
    'CENTRIFUGO_BAD_ANSWER',
    'What answered is no Centrifugo of a known version',
    false,
    options,
  );
}

function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => void clock.schedule(delayMs, resolve));
}
