/** Operator commands about the relay: how it stands, and what is to become of rows that the bus kept refusing. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import {
  discardParked,
  LeaseError,
  listParked,
  readRelayStatus,
  StoreError,
  unpark,
  type Leases,
  type Store,
} from '@conclave/platform';
import { ApiError } from '../errors/api-error.ts';
import { parseQuery } from '../http/parse-input.ts';
import type { ServerDatabase } from '../schema/server-database.ts';

export const relayPaths = {
  relay: '/_conclave/operator/v1/relay',
  parked: '/_conclave/operator/v1/relay/parked',
} as const;

export interface RelayRoutesDeps {
  readonly store: Store<ServerDatabase>;
  readonly leases: Leases;
  readonly shards: number;
}

const pageSize = 100;
const pageSchema = z.object({ after: z.coerce.number().int().min(0).default(0) });
const idPattern = /^[1-9]\d{0,15}$/;

export function addRelayRoutes(
  app: FastifyInstance,
  guarded: { readonly onRequest: (request: FastifyRequest) => Promise<void> },
  { store, leases, shards }: RelayRoutesDeps,
): void {
  app.get(relayPaths.relay, guarded, async () => {
    const status = await orUnavailable(() => readRelayStatus({ store, leases }, shards));
    return {
      parked_rows: status.parkedRows,
      shards: status.shards.map(({ shard, holder, pendingRows, oldestAgeMs }) => ({
        shard,
        holder: holder?.name ?? null,
        token: holder?.token ?? null,
        expires_in_ms: holder?.expiresInMs ?? null,
        pending_rows: pendingRows,
        oldest_age_ms: oldestAgeMs ?? null,
      })),
    };
  });
  app.get(relayPaths.parked, guarded, async (request) => {
    const { after } = parseQuery(pageSchema, request);
    const rows = await listParked(store, { afterId: after, limit: pageSize });
    return {
      rows,
      next_after: rows.length === pageSize ? rows.at(-1)!.id : null,
    };
  });
  app.post<{ Params: { id: string } }>(`${relayPaths.parked}/:id/unpark`, guarded, async (request) => ({
    unparked: await unpark(store, idOf(request.params.id)),
  }));
  app.delete<{ Params: { id: string } }>(`${relayPaths.parked}/:id`, guarded, async (request) => ({
    discarded: await discardParked(store, idOf(request.params.id)),
  }));
}

function idOf(text: string): number {
  if (!idPattern.test(text)) throw new ApiError('M_INVALID_PARAM', 'The id of a parked row is a number');
  return Number(text);
}

async function orUnavailable<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    if (!(cause instanceof LeaseError)) throw cause;
    throw new StoreError('STORE_UNAVAILABLE', cause.message, { cause });
  }
}
