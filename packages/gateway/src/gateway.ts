/**
 * The embedded real-time gateway: Centrifugo's client protocol on a Node.js HTTP server.
 *
 * ```
 *   relay / server ── publish, handleCommand ──▶ hub ──▶ channel ──▶ connections ──▶ sockets
 *   HTTP server ── handleUpgrade, handleRequest ──▶ transports ──▶ connections ──▶ commands ──▶ hub
 * ```
 *
 * Called by: the composition root (packages/server). Holds no truth: after a restart clients reconnect, find
 * another epoch, and fetch what they missed from the delivery service.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { Admission } from './admission.ts';
import { namespaceName } from './channel-name.ts';
import {
  DISCONNECT,
  ERROR,
  isDisconnect,
  isUnsubscribe,
  UNSUBSCRIBE,
  type Disconnect,
  type Unsubscribe,
} from './codes.ts';
import type { Connection } from './connection.ts';
import type { GatewayContext } from './context.ts';
import type { GatewayDeps } from './deps.ts';
import { FlushScheduler } from './flush-scheduler.ts';
import { History } from './history.ts';
import { Hub } from './hub.ts';
import { IdempotencyCache } from './idempotency.ts';
import { JsonPayload } from './json-payload.ts';
import { resolveOptions, type GatewayOptions } from './options.ts';
import { checkOrigin, setCorsHeaders } from './origin.ts';
import {
  createServerApi,
  type ApiResult,
  type DisconnectFilter,
  type PublishOptions,
  type PublishResult,
  type UnsubscribeFilter,
} from './server-api.ts';
import { spreadOver } from './spread-over.ts';
import { createTokenVerifier } from './tokens.ts';
import { serveEmulation } from './transports/emulation.ts';
import { refuseRequest, refuseUpgrade } from './transports/http-refusal.ts';
import { serveHttpStream } from './transports/http-stream.ts';
import { serveSse } from './transports/sse.ts';
import { serveUniSse } from './transports/uni-sse.ts';
import { createWebSocketEndpoint } from './transports/websocket.ts';

const HISTORY_SWEEP_INTERVAL_MS = 10_000;
const GOLDEN_RATIO = 0.618_033_988_749_894_9;

export interface GatewayStats {
  /** Open sockets and streams, those without an accepted connect command included. */
  readonly connections: number;
  readonly connectionsByTransport: Readonly<Record<string, number>>;
  readonly authenticated: number;
  readonly users: number;
  readonly channels: number;
  readonly subscriptions: number;
  readonly historyStreams: number;
  readonly historyBytes: number;
  /** Bytes queued for clients, in the gateway and in sockets. Shared frames count once per client. */
  readonly queuedBytes: number;
}

export interface Gateway {
  /** Returns false, and does nothing, when the path is not the gateway's. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  /** Returns false, and does nothing, when the path is not the gateway's. */
  handleRequest(request: IncomingMessage, response: ServerResponse): boolean;
  /** `data` is anything JSON can represent. */
  publish(channel: string, data: unknown, options?: PublishOptions): PublishResult;
  /**
   * Ends subscriptions; returns how many. A code of 2500 or more makes the client subscribe again. Throws a
   * `RangeError` for codes outside 2000-2999.
   */
  unsubscribe(target: string | UnsubscribeFilter, unsubscribe?: Unsubscribe): number;
  /** Ends connections; returns how many. Throws a `RangeError` for codes outside 3000-4999. */
  disconnect(filter: DisconnectFilter, disconnect?: Disconnect): number;
  /**
   * Publications of the channel may have been missed, or may be from now on: forgets its history and ends its
   * subscriptions with 2500, so that clients subscribe anew and are told that nothing was recovered. Returns how many.
   */
  reset(channel: string): number;
  /** One server API command as JSON. Never throws for what is in the bytes. */
  handleCommand(bytes: Uint8Array): ApiResult;
  stats(): GatewayStats;
  /**
   * Disconnects those who are connected now with 3001, one after the other over `overMs`, so that they do not all come
   * back to other processes at once. New connections are taken meanwhile: `close` ends them.
   */
  drain(overMs: number): Promise<void>;
  /** Disconnects everyone with 3001, so that they reconnect elsewhere, and waits until their sockets are closed. */
  close(): Promise<void>;
}

export function createGateway(deps: GatewayDeps, options: GatewayOptions): Gateway {
  const { clock, random, log, metrics, source } = deps;
  const { version, namespaceByName, allowedOrigins, paths, timings, limits } = resolveOptions(options);
  const tokens = createTokenVerifier(clock, options);
  const nodeId = newUuid();
  const history = new History(clock, randomText(6), limits, source !== undefined);
  const hub = new Hub(new FlushScheduler(), history, source, metrics);
  const admission = new Admission(limits);
  const addressOf = deps.clientAddress ?? ((request: IncomingMessage) => request.socket.remoteAddress ?? '');

  /** Open transports, whatever their connection's state. */
  const open = new Set<Connection>();
  const connectionBySession = new Map<string, Connection>();
  const destroyTimers = new Map<Connection, Disposable>();
  let pingPhase = 0;
  let stopping: PromiseWithResolvers<void> | undefined;

  const context: GatewayContext = {
    clock,
    log,
    metrics,
    source,
    hub,
    history,
    tokens,
    timings,
    limits,
    version,
    nodeId,
    namespaceOf: (channel) => namespaceByName.get(namespaceName(channel)),
    newClientId: newUuid,
    newSession: () => randomText(18),
    nextPingPhase() {
      pingPhase = (pingPhase + GOLDEN_RATIO) % 1;
      return 0.5 + pingPhase / 2;
    },
    opened(connection) {
      open.add(connection);
      if (connection.session !== '') connectionBySession.set(connection.session, connection);
      metrics?.connectionOpened?.(connection.transport.name);
      // Its request was being read when the gateway was closed.
      if (stopping) connection.disconnect(DISCONNECT.shutdown);
    },
    closed(connection, code) {
      connectionBySession.delete(connection.session);
      const transport = connection.transport.name;
      metrics?.connectionClosed?.(transport, code);
      log?.debug({ client: connection.clientId, transport, code }, 'connection closed');
    },
    closing(connection) {
      if (!open.has(connection)) return;
      destroyTimers.set(
        connection,
        clock.schedule(timings.closeGraceMs, () => connection.transport.destroy()),
      );
    },
    gone(connection) {
      open.delete(connection);
      destroyTimers.get(connection)?.[Symbol.dispose]();
      destroyTimers.delete(connection);
      if (open.size === 0) stopping?.resolve();
    },
  };

  const startedAtMs = clock.nowMs();
  const published = new IdempotencyCache<PublishResult>(
    clock,
    timings.idempotencyTtlMs,
    limits.maxIdempotencyKeys,
  );
  const api = createServerApi(context, published, startedAtMs);
  const webSocketEndpoint = createWebSocketEndpoint(context);

  let historySweptAtMs = startedAtMs;
  let sweepTimer = clock.schedule(timings.sweepIntervalMs, sweep);
  function sweep(): void {
    const now = clock.nowMs();
    for (const connection of open) connection.checkDeadlines(now);
    if (now - historySweptAtMs >= HISTORY_SWEEP_INTERVAL_MS) {
      historySweptAtMs = now;
      history.sweep();
    }
    sweepTimer = clock.schedule(timings.sweepIntervalMs, sweep);
  }

  function handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    if (pathOf(request) !== paths.websocket) return false;
    // Until `ws` has taken over nobody else listens; a reset during a refusal must not end the process.
    const onError = (): void => void socket.destroy();
    socket.on('error', onError);
    if (stopping) {
      refuseUpgrade(socket, 503);
    } else if (checkOrigin(request, allowedOrigins) === 'refused') {
      refuseUpgrade(socket, 403);
    } else {
      const admitted = admission.enter(addressOf(request));
      if (!admitted.ok) refuseUpgrade(socket, admitted.reason === 'full' ? 503 : 429);
      else webSocketEndpoint.accept(request, socket, head, admitted.place);
    }
    return true;
  }

  const streams = new Map([
    [paths.httpStream, serveHttpStream],
    [paths.sse, serveSse],
    [paths.uniSse, serveUniSse],
  ]);

  function handleRequest(request: IncomingMessage, response: ServerResponse): boolean {
    const path = pathOf(request);
    const serveStream = streams.get(path);
    if (!serveStream && path !== paths.emulation) return false;
    const origin = checkOrigin(request, allowedOrigins);
    if (origin === 'listed') setCorsHeaders(request, response);
    if (origin === 'refused') {
      refuseRequest(response, 403);
    } else if (request.method === 'OPTIONS') {
      response.writeHead(204).end();
    } else if (stopping) {
      refuseRequest(response, 503);
    } else if (serveStream) {
      const admitted = admission.enter(addressOf(request));
      if (!admitted.ok) {
        refuseRequest(response, admitted.reason === 'full' ? 503 : 429);
      } else {
        response.once('close', () => admitted.place[Symbol.dispose]());
        supervise(serveStream(context, request, response), response);
      }
    } else {
      supervise(serveEmulation(context, connectionBySession, request, response), response);
    }
    return true;
  }

  /** A request handler that fails is a bug: it is logged, and costs its own client only. */
  function supervise(work: Promise<unknown>, response: ServerResponse): void {
    work.catch((error: unknown) => {
      log?.warn({ err: error }, 'gateway request failed');
      response.destroy();
    });
  }

  function stats(): GatewayStats {
    const connectionsByTransport: Record<string, number> = {};
    let queuedBytes = 0;
    for (const connection of open) {
      const { name } = connection.transport;
      connectionsByTransport[name] = (connectionsByTransport[name] ?? 0) + 1;
      queuedBytes += connection.waitingBytes;
    }
    return {
      connections: open.size,
      connectionsByTransport,
      authenticated: hub.connections.size,
      users: hub.userCount,
      channels: hub.channels.size,
      subscriptions: [...hub.channels.values()].reduce((sum, channel) => sum + channel.size, 0),
      historyStreams: history.streamCount,
      historyBytes: history.bytes,
      queuedBytes,
    };
  }

  async function drain(overMs: number): Promise<void> {
    await spreadOver(clock, overMs, [...open], (connection) => connection.disconnect(DISCONNECT.shutdown));
  }

  async function close(): Promise<void> {
    if (stopping) return await stopping.promise;
    stopping = Promise.withResolvers<void>();
    sweepTimer[Symbol.dispose]();
    hub.scheduler.flush();
    for (const connection of open) connection.disconnect(DISCONNECT.shutdown);
    if (open.size === 0) stopping.resolve();
    await stopping.promise;
  }

  function newUuid(): string {
    const bytes = Buffer.from(random.bytes(16));
    bytes[6] = (bytes[6]! & 0x0f) | 0x40;
    bytes[8] = (bytes[8]! & 0x3f) | 0x80;
    return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  }

  function randomText(bytes: number): string {
    return Buffer.from(random.bytes(bytes)).toString('base64url');
  }

  return {
    handleUpgrade,
    handleRequest,
    publish(channel, data, publishOptions) {
      const payload = JsonPayload.fromValue(data);
      return payload ? api.publish(channel, payload, publishOptions) : { ok: false, error: ERROR.badRequest };
    },
    unsubscribe(target, unsubscribe = UNSUBSCRIBE.server) {
      if (!isUnsubscribe(unsubscribe)) throw new RangeError('an unsubscribe code is between 2000 and 2999');
      return api.unsubscribe(typeof target === 'string' ? { channel: target } : target, unsubscribe);
    },
    disconnect(filter, disconnect = DISCONNECT.forceNoReconnect) {
      if (!isDisconnect(disconnect)) {
        throw new RangeError('a disconnect code is between 3000 and 4999, its reason at most 123 bytes long');
      }
      return api.disconnect(filter, disconnect);
    },
    reset(channel) {
      const ended = api.unsubscribe({ channel }, UNSUBSCRIBE.insufficientState);
      history.forget(channel);
      return ended;
    },
    handleCommand: (bytes) => api.execute(bytes),
    stats,
    drain,
    close,
  };
}

function pathOf(request: IncomingMessage): string {
  return request.url?.split('?', 1)[0] ?? '';
}
