/**
 * `createTransfer` and `readTransfer` (docs/decisions/0001-shape.md). Neither takes credentials. Reading is a
 * POST, because a GET would be triggered by link scanners and previews.
 */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Config } from '../config/config-schema.ts';
import { ApiError } from '../errors/api-error.ts';
import { parseQuery } from '../http/parse-input.ts';
import type { Transfers } from './transfers.ts';

export interface TransferRoutesDeps {
  readonly transfers: Transfers;
  readonly settings: Config['transfers'];
}

export function addTransferRoutes(app: FastifyInstance, { transfers, settings }: TransferRoutesDeps): void {
  const querySchema = z.object({
    ttl_ms: z
      .string()
      .regex(/^\d{1,13}$/, 'expected an integer')
      .transform(Number)
      .refine((ttlMs) => ttlMs >= 1 && ttlMs <= settings.maxTtlMs, `expected 1 to ${settings.maxTtlMs}`)
      .default(settings.defaultTtlMs),
  });

  app.post(
    '/_conclave/transfer/v1',
    { bodyLimit: settings.maxBytes, config: { rateLimit: 'transferCreate' } },
    async (request, reply) => {
      const { ttl_ms: ttlMs } = parseQuery(querySchema, request);
      const { body } = request;
      if (body !== undefined && !(body instanceof Uint8Array)) {
        throw new ApiError('CONCLAVE_UNSUPPORTED_MEDIA_TYPE', 'Send the octets as application/octet-stream');
      }
      if (body === undefined || body.length === 0) {
        throw new ApiError('CONCLAVE_TRANSFER_EMPTY', 'There are no octets to transfer');
      }
      const created = await transfers.create(body, ttlMs);
      if (!created.ok) {
        throw new ApiError('CONCLAVE_TRANSFER_QUOTA', 'The server holds as many transfers as it may', {
          retryAfterMs: 60_000,
        });
      }
      return reply.code(201).send({ id: created.id, expires_at: created.expiresAtMs });
    },
  );

  app.post<{ Params: { id: string } }>(
    '/_conclave/transfer/v1/:id/read',
    { bodyLimit: 1_024, config: { rateLimit: 'transferRead' } },
    async (request, reply) => {
      const body = await transfers.read(request.params.id);
      if (body === undefined) throw new ApiError('CONCLAVE_TRANSFER_GONE', 'There is nothing to read');
      return reply.type('application/octet-stream').send(Buffer.from(body));
    },
  );
}
