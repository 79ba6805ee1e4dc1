/**
 * What belongs to one request belongs together in logs and traces: every line that is written on its behalf carries its id, and
 * stages of a traced one stand below its span (`runWork` of @conclave/platform).
 *
 *     onRequest ──▶ limits, CORS ──▶ preParsing ──▶ body ──▶ preValidation ──▶ route ──▶ onResponse
 *     runWork(id)                    span begins             runWork(id, span)           span ends
 *
 * Twice, since the span begins behind the limits, though with the time at which the request came: what a flood costs must not be
 * doubled by tracing it; and what the gateway takes over has no span, since it lasts as long as its client stays. (Over the
 * body, which arrives in events of the socket, fastify carries the work itself.)
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { runWork, type Tracer, type Work } from '@conclave/platform';

declare module 'fastify' {
  interface FastifyRequest {
    work: Work | null;
  }
}

export function runRequestsAsWork(app: FastifyInstance, tracer: Tracer): void {
  app.decorateRequest('work', null);

  app.addHook('onRequest', (request, _reply, done) => {
    request.work = { requestId: request.id };
    runWork(request.work, done);
  });
  app.addHook('preParsing', (request, reply, _payload, done) => {
    const route = routeOf(request);
    const { traceparent } = request.headers;
    const span = tracer.startTrace(
      `${request.method} ${route}`,
      typeof traceparent === 'string' ? traceparent : undefined,
      {
        kind: 'server',
        startedAtMs: performance.now() - reply.elapsedTime,
        attributes: { 'http.request.method': request.method, 'http.route': route },
      },
    );
    if (span !== undefined) request.work = { requestId: request.id, span };
    done();
  });
  app.addHook('preValidation', (request, _reply, done) => {
    if (request.work === null) done();
    else runWork(request.work, done);
  });
  app.addHook('onResponse', (request, reply, done) => {
    const span = request.work?.span;
    if (span !== undefined) {
      span.set({ 'http.response.status_code': reply.statusCode });
      span.end();
    }
    done();
  });
}

/** The pattern; 'unknown' where there is no such route. */
export function routeOf(request: FastifyRequest): string {
  return request.routeOptions.url ?? 'unknown';
}
