/**
 * Which web pages may talk to this server.
 *
 * Matrix routes answer every origin, as the specification requires ("Web Browser Clients"): nothing there acts on
 * ambient credentials, since tokens travel in a header that another page cannot know. Our own routes answer only
 * the origins the operator allowed, besides pages of the server itself, to which CORS does not apply. Credentials
 * are never allowed.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';

export interface CorsPolicy {
  /** Origins for /_conclave; '*' for every one. */
  readonly allowedOrigins: readonly string[];
}

const matrixHeaders = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, POST, PUT, DELETE, OPTIONS',
  'access-control-allow-headers': 'X-Requested-With, Content-Type, Authorization',
};

export function applyCors(policy: CorsPolicy, request: FastifyRequest, reply: FastifyReply): void {
  const path = request.url;
  if (path.startsWith('/_matrix/') || path.startsWith('/.well-known/matrix/')) {
    reply.headers(matrixHeaders);
    return;
  }
  if (!path.startsWith('/_conclave/')) return;
  const { origin } = request.headers;
  const everyOrigin = policy.allowedOrigins.includes('*');
  if (!everyOrigin) reply.header('vary', 'Origin');
  if (origin === undefined || !(everyOrigin || policy.allowedOrigins.includes(origin))) return;
  reply.headers({
    ...matrixHeaders,
    'access-control-allow-origin': everyOrigin ? '*' : origin,
    'access-control-allow-headers':
      request.headers['access-control-request-headers'] ?? 'Content-Type, Authorization',
    'access-control-expose-headers': 'Retry-After, X-Request-Id, X-Conclave-Epoch',
    'access-control-max-age': '600',
  });
}
