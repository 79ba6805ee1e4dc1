/** Speaks to a running server's operator listener, for the `admin` commands. */
import { z } from 'zod';
import type { ParkedRow } from '@conclave/platform';
import type { RegistrationTokenSummary } from '../accounts/registration-tokens.ts';
import type { Config } from '../config/config-schema.ts';
import { readServerSecrets, secretsFileOf } from '../secrets/server-secrets.ts';
import type { BlobKeyStatus } from '../server/open-blobs.ts';
import type { GatewayDescription } from '../gateway/start-gateway.ts';
import type { BlobMoveStatus } from '../move-blobs/move-progress.ts';
import { blobKeyPaths } from './blob-key-routes.ts';
import { blobMovePaths } from './blob-move-routes.ts';
import { operatorPaths, operatorTokenOf } from './create-operator-http.ts';
import { gatewayPaths } from './gateway-routes.ts';
import { readOnlyPaths } from './read-only-routes.ts';
import { relayPaths } from './relay-routes.ts';

export class OperatorError extends Error {
  override readonly name = 'OperatorError';
  readonly code = 'CONCLAVE_OPERATOR';
}

export interface OperatorClient {
  createRegistrationToken(wishes: {
    usesAllowed: number | null;
    lifetimeMs: number | null;
  }): Promise<{ id: string; token: string }>;
  listRegistrationTokens(): Promise<RegistrationTokenSummary[]>;
  revokeRegistrationToken(id: string): Promise<boolean>;
  deactivateAccount(localpart: string): Promise<boolean>;
  blobKeys(): Promise<BlobKeyStatus>;
  /** How far the move of attachments is. */
  blobMove(): Promise<BlobMoveStatus>;
  /** Asks for it, or goes on with it. */
  beginBlobMove(concurrency: number): Promise<BlobMoveStatus>;
  describeGateway(): Promise<GatewayDescription>;
  /** Ends one connection for good, whether there is one or not. */
  disconnectClient(client: string): Promise<void>;
  relayStatus(): Promise<RelayStatusAnswer>;
  /** All rows that the bus kept refusing, in order of their ids. */
  listParked(): Promise<ParkedRow[]>;
  unpark(id: number): Promise<boolean>;
  discardParked(id: number): Promise<boolean>;
  readOnly(): Promise<ReadOnlyStatus>;
  /** Begins or prolongs; resolves when nothing is being written any more. */
  beginReadOnly(forMs: number): Promise<ReadOnlyStatus>;
  /** False if that is not the current session. */
  endReadOnly(session: string): Promise<boolean>;
  /** Read-only for good, and not to be started again. False if the session is not the current one any more. */
  retireMoved(session: string, to: string): Promise<boolean>;
}

export interface ReadOnlyStatus {
  readonly readOnly: boolean;
  readonly session: string | null;
  /** null: it does not end by itself. */
  readonly endsInMs: number | null;
}

const relaySchema = z.object({
  parked_rows: z.number(),
  shards: z.array(
    z.object({
      shard: z.number(),
      /** null: nobody relays it. */
      holder: z.string().nullable(),
      token: z.number().nullable(),
      /** null: it does not expire. */
      expires_in_ms: z.number().nullable(),
      pending_rows: z.number(),
      oldest_age_ms: z.number().nullable(),
    }),
  ),
});

export type RelayStatusAnswer = z.output<typeof relaySchema>;

const parkedSchema = z.object({
  rows: z.array(
    z.object({
      id: z.number(),
      subject: z.string(),
      ordering_key: z.string(),
      message_id: z.string(),
      attempts: z.number(),
      error_code: z.string(),
      parked_at_ms: z.number(),
    }),
  ),
  next_after: z.number().nullable(),
});

const readOnlySchema = z
  .object({ read_only: z.boolean(), session: z.string().nullable(), ends_in_ms: z.number().nullable() })
  .transform((status): ReadOnlyStatus => ({
    readOnly: status.read_only,
    session: status.session,
    endsInMs: status.ends_in_ms,
  }));

const blobKeysSchema = z
  .object({
    current: z.string(),
    keys: z.array(z.object({ id: z.string(), data_keys: z.number(), in_ring: z.boolean() })),
  })
  .transform(({ current, keys }): BlobKeyStatus => ({
    current,
    keys: keys.map(({ id, data_keys: dataKeys, in_ring: isInRing }) => ({ id, dataKeys, isInRing })),
  }));

const amountSchema = z.object({ attachments: z.number(), bytes: z.number() });
const placeSchema = z.enum(['disk', 's3']);

const blobMoveSchema = z
  .object({
    engine: placeSchema,
    previous: placeSchema.nullable(),
    encrypted: z.boolean(),
    begun_at_ms: z.number().nullable(),
    finished_at_ms: z.number().nullable(),
    total: amountSchema,
    verified: amountSchema,
    problems: z.number(),
    some_problems: z.array(z.object({ storage_key: z.string(), problem: z.enum(['missing', 'damaged']) })),
  })
  .transform((status): BlobMoveStatus => ({
    engine: status.engine,
    previous: status.previous,
    isEncrypted: status.encrypted,
    begunAtMs: status.begun_at_ms,
    finishedAtMs: status.finished_at_ms,
    total: status.total,
    verified: status.verified,
    problems: status.problems,
    someProblems: status.some_problems.map(({ storage_key: storageKey, problem }) => ({
      storageKey,
      problem,
    })),
  }));

const gatewaySchema = z.object({
  engine: z.enum(['embedded', 'centrifugo']),
  nodes: z.array(
    z.object({ name: z.string(), clients: z.number(), channels: z.number(), subscriptions: z.number() }),
  ),
});

const summarySchema = z.object({
  id: z.string(),
  purpose: z.enum(['operator', 'first-account']),
  uses: z.number(),
  usesAllowed: z.number().nullable(),
  createdAtMs: z.number(),
  expiresAtMs: z.number().nullable(),
});

/** Throws {@link OperatorError} when the data directory has no secrets; its methods, when the server refuses. */
export function createOperatorClient(
  config: Pick<Config, 'admin' | 'dataDirectory' | 'secretsFile'>,
): OperatorClient {
  const secrets = readServerSecrets(secretsFileOf(config));
  if (secrets === undefined) {
    throw new OperatorError(
      `there is no ${secretsFileOf(config)}: give the server's --dataDirectory, or start it once`,
    );
  }
  const token = operatorTokenOf(secrets.key('operator'));
  const host = config.admin.host.includes(':') ? `[${config.admin.host}]` : config.admin.host;
  const base = `http://${host}:${config.admin.port}`;

  async function ask<T extends z.ZodType>(
    answer: T,
    method: string,
    path: string,
    body?: Record<string, unknown>,
  ): Promise<z.output<T>> {
    let response: Response;
    try {
      response = await fetch(base + path, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(10_000),
      });
    } catch (cause) {
      throw new OperatorError(`no server answers at ${base}: is it running, and is admin.port right?`, {
        cause,
      });
    }
    const parsed = answer.safeParse(await response.json().catch(() => undefined));
    if (response.ok && parsed.success) return parsed.data;
    throw new OperatorError(`the server at ${base} refused with status ${response.status}`);
  }

  return {
    createRegistrationToken: ({ usesAllowed, lifetimeMs }) =>
      ask(z.object({ id: z.string(), token: z.string() }), 'POST', operatorPaths.registrationTokens, {
        uses_allowed: usesAllowed,
        lifetime_ms: lifetimeMs,
      }),
    async listRegistrationTokens() {
      const answer = z.object({ tokens: z.array(summarySchema) });
      return (await ask(answer, 'GET', operatorPaths.registrationTokens)).tokens;
    },
    async revokeRegistrationToken(id) {
      const path = `${operatorPaths.registrationTokens}/${encodeURIComponent(id)}`;
      return (await ask(z.object({ revoked: z.boolean() }), 'DELETE', path)).revoked;
    },
    async deactivateAccount(localpart) {
      const path = `${operatorPaths.accounts}/${encodeURIComponent(localpart)}/deactivate`;
      return (await ask(z.object({ deactivated: z.boolean() }), 'POST', path)).deactivated;
    },
    blobKeys: () => ask(blobKeysSchema, 'GET', blobKeyPaths.blobKeys),
    blobMove: () => ask(blobMoveSchema, 'GET', blobMovePaths.blobMove),
    beginBlobMove: (concurrency) => ask(blobMoveSchema, 'POST', blobMovePaths.blobMove, { concurrency }),
    describeGateway: () => ask(gatewaySchema, 'GET', gatewayPaths.gateway),
    async disconnectClient(client) {
      await ask(z.object({}), 'POST', gatewayPaths.disconnect, { client });
    },
    relayStatus: () => ask(relaySchema, 'GET', relayPaths.relay),
    async listParked() {
      const rows: ParkedRow[] = [];
      for (let after: number | null = 0; after !== null;) {
        const page: z.output<typeof parkedSchema> = await ask(
          parkedSchema,
          'GET',
          `${relayPaths.parked}?after=${after}`,
        );
        rows.push(...page.rows);
        after = page.next_after;
      }
      return rows;
    },
    async unpark(id) {
      return (await ask(z.object({ unparked: z.boolean() }), 'POST', `${relayPaths.parked}/${id}/unpark`))
        .unparked;
    },
    async discardParked(id) {
      return (await ask(z.object({ discarded: z.boolean() }), 'DELETE', `${relayPaths.parked}/${id}`))
        .discarded;
    },
    readOnly: () => ask(readOnlySchema, 'GET', readOnlyPaths.readOnly),
    beginReadOnly: (forMs) => ask(readOnlySchema, 'POST', readOnlyPaths.readOnly, { for_ms: forMs }),
    async endReadOnly(session) {
      const answer = z.object({ ended: z.boolean() });
      return (await ask(answer, 'DELETE', readOnlyPaths.readOnly, { session })).ended;
    },
    async retireMoved(session, to) {
      const answer = z.object({ moved: z.boolean() });
      return (await ask(answer, 'POST', readOnlyPaths.moved, { session, to })).moved;
    },
  };
}
