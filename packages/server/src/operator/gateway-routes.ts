/** Operator commands about the real-time gateway, whichever it is: how it stands, and ending one connection. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ApiError } from '../errors/api-error.ts';
import { CentrifugoError } from '../gateway/centrifugo-api.ts';
import type { RunningGateway } from '../gateway/start-gateway.ts';
import { parseBody } from '../http/parse-input.ts';

export const gatewayPaths = {
  gateway: '/_conclave/operator/v1/gateway',
  disconnect: '/_conclave/operator/v1/gateway/disconnect',
} as const;

const disconnectSchema = z.strictObject({ client: z.string().min(1).max(255) });

export function addGatewayRoutes(
  app: FastifyInstance,
  guarded: { readonly onRequest: (request: FastifyRequest) => Promise<void> },
  gateway: Pick<RunningGateway, 'describe' | 'disconnectClient'>,
): void {
  app.get(gatewayPaths.gateway, guarded, () => orUnavailable(() => gateway.describe()));
  app.post(gatewayPaths.disconnect, guarded, async (request) => {
    const { client } = parseBody(disconnectSchema, request);
    await orUnavailable(() => gateway.disconnectClient(client));
    return {};
  });
}

async function orUnavailable<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    if (!(cause instanceof CentrifugoError)) throw cause;
    throw new ApiError('CONCLAVE_GATEWAY_UNAVAILABLE', cause.message, { cause });
  }
}
