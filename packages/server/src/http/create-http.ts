/**
 * The HTTP surface without its routes: identification, limits, CORS, errors, measurements. Features add routes to
 * the returned instance.
 *
 *     request ─▶ id ─▶ CORS ─▶ limits ─▶ body (bounded, timed) ─▶ route ─▶ answer ─▶ measured
 *
 * What is logged of a request: its id, route pattern, status and time. Never its path, query, headers or body:
 * they hold ids and tokens; nor its address.
 */
import type { IncomingMessage, ServerOptions, ServerResponse } from 'node:http';
import fastify, { type FastifyInstance } from 'fastify';
import { noTracer, type Log, type RandomSource, type RateLimiter, type Tracer } from '@conclave/platform';
import type { Config } from '../config/config-schema.ts';
import { ApiError } from '../errors/api-error.ts';
import { answerError } from './answer-error.ts';
import { addBodyParsers } from './body-parsers.ts';
import { addressKey, createIsTrustedPeer } from './client-address.ts';
import { applyCors } from './cors.ts';
import { watchRoutes } from './known-routes.ts';
import { takeThen } from './rate-limit.ts';
import { createRequestIdOf } from './request-ids.ts';
import { routeOf, runRequestsAsWork } from './request-work.ts';
import type { RateLimitName } from './route-config.ts';

/** One finished request, for metrics. `route` is the pattern, or 'unknown'. */
export interface MeasuredRequest {
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly durationMs: number;
}

export interface HttpDeps {
  readonly listen: Config['listen'];
  readonly log: Log;
  /** Default: requests are not traced. */
  readonly tracer?: Tracer;
  readonly random: RandomSource;
  readonly limiters: Readonly<Record<RateLimitName | 'request', RateLimiter>>;
  readonly isStopping: () => boolean;
  readonly clientAddress: (request: IncomingMessage) => string;
  /** Paths that are not fastify's, the gateway's: returns true when it has taken the request over. */
  readonly takeOver?: (request: IncomingMessage, response: ServerResponse) => boolean;
  readonly onMeasured?: (request: MeasuredRequest) => void;
}

/** Longest path segment; Matrix ids have up to 255 characters and triple when percent-encoded. */
const maxParamLength = 1_024;

const keepAliveMs = 72_000;
/** Below `shutdown.drainMs` of installations with pods that come and go. */
const keepAliveHintMs = 15_000;

/** How Node reads requests for this surface: bounded headers, and a bounded time for the whole request. */
export function httpServerOptions(requestTimeoutMs: number): ServerOptions {
  return {
    maxHeaderSize: 16_384,
    requestTimeout: requestTimeoutMs,
    headersTimeout: Math.min(requestTimeoutMs, 15_000),
    // How often Node looks at the two timeouts above: their precision.
    connectionsCheckingInterval: Math.min(1_000, Math.ceil(requestTimeoutMs / 4)),
    // Clients are told the first and let go of a connection that was idle for so long, before a process that drains closes it under
    // their next request. Load balancers, which are not asked, find it open for longer than they keep it.
    keepAliveTimeout: keepAliveHintMs,
    keepAliveTimeoutBuffer: keepAliveMs - keepAliveHintMs,
  };
}

export function createHttp(deps: HttpDeps): FastifyInstance {
  const { listen, log, random, limiters } = deps;
  const app: FastifyInstance = fastify({
    logger: false,
    bodyLimit: listen.maxJsonBytes,
    routerOptions: { maxParamLength },
    genReqId: createRequestIdOf(random, createIsTrustedPeer(listen.trustedProxies)),
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) => void answerError(log, error, request, reply as never),
  });

  const cors = { allowedOrigins: listen.allowedOrigins };
  const routes = watchRoutes(app);
  addBodyParsers(app);
  runRequestsAsWork(app, deps.tracer ?? noTracer);

  // With callbacks: every request passes here, and each promise would cost it a turn of the microtask queue.
  app.addHook('onRequest', (request, reply, done) => {
    try {
      reply.header('x-request-id', request.id);
      reply.header('x-content-type-options', 'nosniff');
      reply.header('cache-control', 'no-store');
      applyCors(cors, request, reply);
      // As in parse-input.ts: nothing that a path or query names contains it.
      if (/%00/.test(request.url)) throw new ApiError('M_INVALID_PARAM', 'The path contains U+0000');
      const key = addressKey(deps.clientAddress(request.raw));
      takeThen(limiters.request, key, done, () => {
        if (deps.takeOver?.(request.raw, reply.raw) === true) {
          reply.hijack();
          return;
        }
        // A preflight asks before the request proper and answers nothing of the route.
        if (request.method === 'OPTIONS') {
          reply.code(204).send();
          return;
        }
        const { rateLimit } = request.routeOptions.config;
        if (rateLimit === undefined) done();
        else takeThen(limiters[rateLimit], key, done, done);
      });
    } catch (error) {
      done(error as Error);
    }
  });

  // A server that stops answers every request that still reaches it, and sends the client elsewhere with the next one.
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (deps.isStopping()) reply.header('connection', 'close');
    done();
  });

  app.addHook('onResponse', async (request, reply) => {
    const measured = {
      method: request.method,
      route: routeOf(request),
      status: reply.statusCode,
      durationMs: reply.elapsedTime,
    };
    deps.onMeasured?.(measured);
    const traceId = request.work?.span?.traceId;
    log.debug({ requestId: request.id, ...(traceId && { traceId }), ...measured }, 'request answered');
  });

  app.setErrorHandler((error, request, reply) => answerError(log, error, request, reply));

  app.setNotFoundHandler(async (request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '';
    const methods = routes.methodsOf(path);
    if (methods.length === 0) throw new ApiError('M_UNRECOGNIZED', 'There is no such route');
    reply.header('allow', methods.join(', '));
    throw new ApiError('M_UNRECOGNIZED', 'This route does not take this method', { status: 405 });
  });

  return app;
}
