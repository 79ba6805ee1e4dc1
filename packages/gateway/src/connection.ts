/**
 * One client's connection: its state, the commands it sent, the bytes it is to get, and its deadlines.
 *
 * ```
 *   new ──connect accepted──▶ connected ──disconnect / transport closed──▶ closed
 * ```
 *
 * Invariants:
 * - Commands are handled one after the other, in the order of arrival; replies leave in that order.
 * - What waits for the client never exceeds `maxQueueBytes`: more, and it is disconnected as slow (3008).
 * - After `closed` nothing is queued, no handler continues, and the hub does not know the connection.
 *
 * Made by the transports; driven by them, by the commands and by the gateway's sweep.
 */
import type { Membership, Subscriber } from './channel.ts';
import {
  DISCONNECT,
  ERROR,
  UNSUBSCRIBE,
  type ClientError,
  type Disconnect,
  type Unsubscribe,
} from './codes.ts';
import { CommandBudget } from './command-budget.ts';
import { parseCommand } from './command-parser.ts';
import { handleCommand } from './commands/handle-command.ts';
import type { GatewayContext } from './context.ts';
import type { Command, ClientInfo, Push, Reply, ReplyBody } from './protocol.ts';
import type { Transport } from './transports/transport.ts';
import type { WireFormat } from './wire/codec.ts';
import type { JsonPayload } from './json-payload.ts';

export interface Subscription {
  /** Unix milliseconds; 0 means never. Changed through `setSubscriptionExpiry`. */
  expireAtMs: number;
  /** Made by the server on connect or by its API; the client neither refreshes nor unsubscribes it. */
  readonly serverSide: boolean;
}

export class Connection implements Subscriber {
  readonly clientId: string;
  readonly session: string;
  readonly format: WireFormat;
  readonly transport: Transport;
  readonly subscriptions = new Map<string, Subscription>();
  user = '';
  info: JsonPayload | undefined;
  /** Unix milliseconds; 0 means never. Changed through `setExpiry`. */
  #expireAtMs = 0;
  readonly #context: GatewayContext;
  readonly #budget: CommandBudget;
  #state: 'new' | 'connected' | 'closed' = 'new';
  #commands: Command[] = [];
  #handling = false;
  /** The command being handled: what replies and errors answer. */
  #current: Command['method'] = 'connect';
  /** Framed bytes, then unframed replies: the replies were queued last. */
  #frames: Buffer[] = [];
  #replies: Buffer[] = [];
  #queuedBytes = 0;
  #nextPingAtMs: number;
  #pongDeadlineMs = Infinity;
  /** No subscription expires earlier; one refreshed meanwhile may expire later. */
  #nextSubscriptionExpiryMs = Infinity;
  readonly #staleAtMs: number;

  constructor(context: GatewayContext, transport: Transport) {
    const { clock, timings, limits } = context;
    this.#context = context;
    this.transport = transport;
    this.format = transport.format;
    this.clientId = context.newClientId();
    this.session = transport.emulation ? context.newSession() : '';
    this.#budget = new CommandBudget(clock, limits.commandRatePerSecond, limits.commandBurst);
    const now = clock.nowMs();
    this.#staleAtMs = now + timings.staleTimeoutMs;
    this.#nextPingAtMs = now + timings.pingIntervalMs * context.nextPingPhase();
    context.opened(this);
  }

  get isConnected(): boolean {
    return this.#state === 'connected';
  }

  get isClosed(): boolean {
    return this.#state === 'closed';
  }

  /** Bytes that wait for this client, in the gateway and in its socket. */
  get waitingBytes(): number {
    return this.#queuedBytes + this.transport.bufferedBytes();
  }

  // ---- commands ------------------------------------------------------------------------------------------

  /** Bytes from the client: a WebSocket message or the body of a request. */
  receive(frame: Uint8Array): void {
    if (this.isClosed) return;
    const { limits } = this.#context;
    const decoded = this.format.codec.decodeCommands(frame, limits.maxCommandsPerFrame);
    if (!decoded.ok) return this.disconnect(DISCONNECT.badRequest);
    for (const input of decoded.commands) {
      const parsed = parseCommand(input);
      if (!parsed.ok) return this.disconnect(DISCONNECT.badRequest);
      this.receiveCommand(parsed.command);
      if (this.isClosed) return;
    }
  }

  receiveCommand(command: Command): void {
    if (command.method === 'pong') {
      // An answer to no ping is an ordinary command, so that a flood of them is one too.
      if (this.#pongDeadlineMs !== Infinity) {
        this.#pongDeadlineMs = Infinity;
        return;
      }
    }
    if (!this.#budget.take()) {
      if (this.#budget.isAbused) return this.disconnect(DISCONNECT.tooManyRequests);
      if (command.id > 0) this.#refuse(command);
      return;
    }
    if (command.method === 'pong') return;
    if (this.#commands.length >= this.#context.limits.maxPendingCommands) {
      return this.disconnect(DISCONNECT.tooManyRequests);
    }
    this.#commands.push(command);
    if (!this.#handling) this.#handleCommands();
  }

  /** The command never becomes the current one: another may be waiting for its token's verification. */
  #refuse({ method, id }: Command): void {
    this.#context.metrics?.commandHandled?.(method, ERROR.tooManyRequests.code);
    this.#enqueueReply({ id, error: ERROR.tooManyRequests });
  }

  #handleCommands(): void {
    this.#handling = true;
    for (let command = this.#commands.shift(); command; command = this.#commands.shift()) {
      const { method } = command;
      this.#current = method;
      try {
        const unfinished = handleCommand(this.#context, this, command);
        if (unfinished) {
          // Only a token makes a command wait (for jose); the next command waits with it.
          unfinished.then(
            () => this.#handleCommands(),
            (error: unknown) => this.#commandFailed(method, error),
          );
          return;
        }
      } catch (error) {
        this.#commandFailed(method, error);
      }
    }
    this.#handling = false;
  }

  /** A bug; it costs this client its connection and nobody else anything. */
  #commandFailed(method: Command['method'], error: unknown): void {
    this.#context.log?.warn({ client: this.clientId, method, err: error }, 'command failed');
    this.disconnect(DISCONNECT.serverError);
  }

  // ---- state ---------------------------------------------------------------------------------------------

  /** The connect command was accepted. The caller replies to it in the same turn. */
  markConnected(user: string, info: JsonPayload | undefined, expireAtMs: number): void {
    this.#state = 'connected';
    this.user = user;
    this.info = info;
    this.#expireAtMs = expireAtMs;
    this.#context.hub.add(this);
  }

  get expireAtMs(): number {
    return this.#expireAtMs;
  }

  setExpiry(expireAtMs: number): void {
    this.#expireAtMs = expireAtMs;
  }

  /** Who this connection is to other subscribers. */
  clientInfo(chanInfo: JsonPayload | undefined): ClientInfo {
    return {
      user: this.user,
      client: this.clientId,
      ...(this.info && { conn_info: this.info }),
      ...(chanInfo && { chan_info: chanInfo }),
    };
  }

  addSubscription(channel: string, subscription: Subscription, membership: Membership): void {
    const namespace = this.#context.namespaceOf(channel)!;
    this.subscriptions.set(channel, subscription);
    this.#noteSubscriptionExpiry(subscription.expireAtMs);
    this.#context.hub.join(this, channel, namespace, membership);
  }

  removeSubscription(channel: string): boolean {
    if (!this.subscriptions.delete(channel)) return false;
    this.#context.hub.leave(this, channel);
    return true;
  }

  setSubscriptionExpiry(subscription: Subscription, expireAtMs: number): void {
    subscription.expireAtMs = expireAtMs;
    this.#noteSubscriptionExpiry(expireAtMs);
  }

  #noteSubscriptionExpiry(expireAtMs: number): void {
    if (expireAtMs > 0) this.#nextSubscriptionExpiryMs = Math.min(this.#nextSubscriptionExpiryMs, expireAtMs);
  }

  /** The server ends a subscription. With a code of 2500 or more the client subscribes again. */
  unsubscribe(channel: string, unsubscribe: Unsubscribe): boolean {
    if (!this.removeSubscription(channel)) return false;
    this.push({ channel, unsubscribe });
    return true;
  }

  disconnect(disconnect: Disconnect): void {
    if (this.isClosed) return;
    // A slow client's queue is what the bound is about: it is let go, not sent.
    const frames = disconnect.code === DISCONNECT.slow.code ? [] : this.#takeFrames();
    this.#close(disconnect.code);
    // Only a WebSocket has close codes of its own.
    if (this.transport.name !== 'websocket') {
      frames.push(this.format.frame([this.format.codec.encodeReply({ push: { disconnect } })]));
    }
    if (frames.length > 0) this.transport.write(frames);
    this.transport.close(disconnect);
    this.#context.closing(this);
  }

  /** The client went away, or its socket failed. */
  transportClosed(): void {
    if (!this.isClosed) this.#close(DISCONNECT.connectionClosed.code);
    this.#context.gone(this);
  }

  #close(code: number): void {
    const wasConnected = this.#state === 'connected';
    this.#state = 'closed';
    for (const channel of this.subscriptions.keys()) this.#context.hub.leave(this, channel);
    this.subscriptions.clear();
    if (wasConnected) this.#context.hub.remove(this);
    this.#commands = [];
    this.#takeFrames();
    this.#context.closed(this, code);
  }

  /** Looks at the deadlines; called at every sweep. */
  checkDeadlines(now: number): void {
    if (this.isClosed) return;
    const { timings } = this.#context;
    if (this.#state === 'new') {
      if (now >= this.#staleAtMs) this.disconnect(DISCONNECT.stale);
      return;
    }
    if (now >= this.#pongDeadlineMs) return this.disconnect(DISCONNECT.noPong);
    if (this.#expireAtMs > 0 && now >= this.#expireAtMs + timings.expiryGraceMs) {
      return this.disconnect(DISCONNECT.expired);
    }
    if (now >= this.#nextSubscriptionExpiryMs + timings.subscriptionExpiryGraceMs) {
      this.#endExpiredSubscriptions(now - timings.subscriptionExpiryGraceMs);
    }
    if (now >= this.#nextPingAtMs) {
      this.#nextPingAtMs = now + timings.pingIntervalMs;
      // A ping unanswered keeps its deadline; one sent meanwhile does not extend it.
      if (!this.transport.unidirectional && this.#pongDeadlineMs === Infinity) {
        this.#pongDeadlineMs = now + timings.pongTimeoutMs;
      }
      this.enqueueFrame(this.format.ping);
    }
  }

  #endExpiredSubscriptions(expiredAtMs: number): void {
    this.#nextSubscriptionExpiryMs = Infinity;
    for (const [channel, { expireAtMs }] of this.subscriptions) {
      if (expireAtMs === 0) continue;
      if (expireAtMs <= expiredAtMs) this.unsubscribe(channel, UNSUBSCRIBE.expired);
      else this.#noteSubscriptionExpiry(expireAtMs);
    }
  }

  // ---- to the client -------------------------------------------------------------------------------------

  reply(id: number, body: ReplyBody): void {
    this.#context.metrics?.commandHandled?.(this.#current, 0);
    this.#enqueueReply({ id, ...body });
  }

  /** Unidirectional clients have no replies: an error ends their connection with its code. */
  fail(id: number, error: ClientError): void {
    this.#context.metrics?.commandHandled?.(this.#current, error.code);
    if (this.transport.unidirectional) return this.disconnect({ code: error.code, reason: error.message });
    this.#enqueueReply({ id, error });
  }

  push(push: Push): void {
    this.#enqueueReply({ push });
  }

  enqueueFrame(frame: Buffer): void {
    if (this.isClosed) return;
    this.#frameReplies();
    this.#frames.push(frame);
    this.#queued(frame.length);
  }

  #enqueueReply(reply: Reply): void {
    if (this.isClosed) return;
    const message = this.format.codec.encodeReply(reply);
    this.#replies.push(message);
    this.#queued(message.length);
  }

  #queued(bytes: number): void {
    this.#queuedBytes += bytes;
    if (this.#queuedBytes > this.#context.limits.maxQueueBytes) return this.disconnect(DISCONNECT.slow);
    this.#context.hub.scheduler.connectionChanged(this);
  }

  #frameReplies(): void {
    if (this.#replies.length === 0) return;
    this.#frames.push(this.format.frame(this.#replies));
    this.#replies = [];
  }

  #takeFrames(): Buffer[] {
    this.#frameReplies();
    const frames = this.#frames;
    this.#frames = [];
    this.#queuedBytes = 0;
    return frames;
  }

  /** Writes what is queued. Called once per turn by the scheduler. */
  flush(): void {
    if (this.#queuedBytes === 0) return;
    if (this.waitingBytes > this.#context.limits.maxQueueBytes) return this.disconnect(DISCONNECT.slow);
    this.transport.write(this.#takeFrames());
  }
}
