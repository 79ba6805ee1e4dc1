/**
 * How bodies are read. JSON is decoded as strict UTF-8; octets stay octets. Every other type is refused, except
 * on Matrix routes, where clients and examples often send JSON under no or another type: no cookie exists that
 * such a cross-site request could ride on.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ApiError } from '../errors/api-error.ts';

/** JSON and octets; for the whole server. */
export function addBodyParsers(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async (_request: FastifyRequest, body: Buffer) => parseJson(body),
  );
  app.addContentTypeParser(
    'application/octet-stream',
    { parseAs: 'buffer' },
    // With a callback: this is the way of every frame, and a promise would be one more turn.
    (_request: FastifyRequest, body: Buffer, done: (error: null, body: Buffer) => void) => done(null, body),
  );
}

/** Any declared type is read as JSON; for the encapsulated Matrix routes. */
export function addLenientJsonParser(app: FastifyInstance): void {
  app.addContentTypeParser('*', { parseAs: 'buffer' }, async (_request: FastifyRequest, body: Buffer) =>
    parseJson(body),
  );
}

/** An empty body is `undefined`: routes that need none accept it, the others answer M_NOT_JSON. */
function parseJson(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown;
  } catch (cause) {
    throw new ApiError('M_NOT_JSON', 'The body is not JSON in UTF-8', { cause });
  }
}
