/**
 * The bus of many processes: a JetStream stream that accepts, and plain NATS that fans out what was accepted.
 *
 *   publish ─▶ events.group.7 ─▶ stream: seen this id? ─▶ stored ─▶ acknowledged
 *                                seen sequence N?                └▶ live.events.group.7 ─▶ subscribers
 *
 * - Subscribers hear what the stream accepted, and nothing that it refused or had already. There is no consumer and no
 *   cursor for them: what they miss they read in the database, and they are told that they missed it (`onGap`):
 *   after every reconnection, when a message says that another one came before it which they do not know, and when
 *   a handler is so slow that its queue is full.
 * - The stream is made and checked at the start and from time to time, and whenever it turns out to be missing or to store
 *   nothing any more (its data were deleted): see events-stream.ts.
 * - Publications with a fence say which sequence number must be the last of their subject: see fenced-subjects.ts.
 * - While the connection is away, publications are refused at once instead of waiting in memory; the relay keeps them.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import { jetstream, type PubAck } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import type { Clock } from '../../clock/clock.ts';
import type { Log } from '../../log/log.ts';
import { DURATION_BUCKETS_S, type Metrics } from '../../metrics/metrics.ts';
import { BusError, isTransientBusError } from '../bus-error.ts';
import type { Bus, PublishOptions } from '../bus.ts';
import { checkPublication, closedError, notesOf, tooLarge } from '../check-publication.ts';
import { AvailabilityListeners } from '../availability-listeners.ts';
import { GapListeners } from '../gap-listeners.ts';
import { isSubjectPattern } from '../subject.ts';
import { connectToNats, followConnection } from './connect-to-nats.ts';
import type { DurableReader } from './durable-readers.ts';
import { EventsStream } from './events-stream.ts';
import { FencedSubjects } from './fenced-subjects.ts';
import { acceptedAtHeader, LiveSubscription } from './live-subscription.ts';
import { isMissingStream, isWrongLastSequence, toBusError } from './nats-errors.ts';

export interface NatsBusLimits {
  /** How long the first connection and the stream may take at the start. */
  readonly startTimeoutMs: number;
  /** How long `publish` waits for the stream's acknowledgement. */
  readonly acknowledgementMs: number;
  /** How long `subscribe` waits until the server knows of it. */
  readonly subscribeTimeoutMs: number;
  /** Messages waiting for one subscriber, beyond which it misses some and is told. */
  readonly maxQueued: number;
  /** How often the stream is checked without an occasion. */
  readonly watchMs: number;
}

export interface NatsBusDeps {
  /** `nats://[USER@]HOST[:PORT]` or `tls://…`, several separated by commas. */
  readonly url: string;
  /** The user's password; without a user in the URL, a token. */
  readonly password?: string | undefined;
  /** The stream's name. */
  readonly stream: string;
  readonly replicas: number;
  readonly retentionMs: number;
  /** Other programs that read the stream; their durable consumers are made with it. None by default. */
  readonly readers?: readonly DurableReader[] | undefined;
  /**
   * Called when the stream was missing and has been made, once at least in some process of all, and not before the bus is
   * open. What an earlier one held is lost: subscribers are told by `onGap`, readers are not. Must not throw.
   */
  readonly onStreamMade?: (() => void) | undefined;
  /** How this process is called in the server's list of connections. */
  readonly name?: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics?: Metrics | undefined;
  readonly limits?: Partial<NatsBusLimits> | undefined;
}

const DEFAULT_LIMITS: NatsBusLimits = {
  startTimeoutMs: 30_000,
  acknowledgementMs: 3_000,
  subscribeTimeoutMs: 5_000,
  maxQueued: 1_024,
  watchMs: 5_000,
};

/** Before subscriptions are settled once more on a connection that stands. */
const RETRY_MS = 250;

/** What headers may take of the server's limit for a message. */
const HEADER_BYTES = 1_024;

/**
 * Connects, and makes or checks the stream. Rejects with {@link BusError}: `BUS_UNAVAILABLE` when the server or
 * JetStream does not answer in time, `BUS_DENIED`, `BUS_STREAM_MISMATCH`.
 */
export async function openNatsBus(deps: NatsBusDeps): Promise<Bus> {
  const limits = { ...DEFAULT_LIMITS, ...deps.limits };
  const connection = await connectToNats(deps, limits.startTimeoutMs);
  try {
    const bus = new NatsBus(deps, limits, connection);
    await bus.start();
    return bus;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

class NatsBus implements Bus {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #limits: NatsBusLimits;
  readonly #connection: NatsConnection;
  readonly #jetstream;
  readonly #stream: EventsStream;
  readonly #gaps: GapListeners;
  readonly #available: AvailabilityListeners;
  readonly #subscriptions = new Set<LiveSubscription>();
  readonly #publications = new Set<Promise<void>>();
  readonly #metrics;
  readonly #following: Promise<void>;
  readonly #fenced: FencedSubjects;
  #connected = true;
  #connectionNumber = 0;
  #settling: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(deps: NatsBusDeps, limits: NatsBusLimits, connection: NatsConnection) {
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.#limits = limits;
    this.#connection = connection;
    this.#jetstream = jetstream(connection, { timeout: limits.acknowledgementMs });
    this.#gaps = new GapListeners(deps.log);
    this.#available = new AvailabilityListeners(deps.log);
    this.#stream = new EventsStream({
      connection,
      settings: deps,
      clock: deps.clock,
      log: deps.log,
      metrics: deps.metrics,
      timeoutMs: limits.acknowledgementMs,
      connectionNumber: () => this.#connectionNumber,
      isConnected: () => this.#connected,
      watchMs: limits.watchMs,
      onReplaced: () => {
        this.#tellGap(undefined);
        this.#available.tell();
      },
      onMade: deps.onStreamMade,
      onUsable: () => this.#available.tell(),
    });
    this.#fenced = new FencedSubjects((subject) => this.#stream.lastOf(subject));
    this.#metrics =
      deps.metrics &&
      createBusMetrics(deps.metrics, {
        isConnected: () => this.#connected,
        subscriptions: this.#subscriptions,
      });
    this.#following = followConnection(connection, {
      onLost: () => {
        this.#connected = false;
        this.#connectionNumber += 1;
        this.#log.warn({}, 'the connection to the bus is lost');
      },
      onReconnected: () => {
        this.#connected = true;
        this.#connectionNumber += 1;
        this.#settling = this.#reconnected(this.#connectionNumber);
      },
      onError: (err) => this.#log.error({ err }, 'the bus server reported an error'),
    });
  }

  async start(): Promise<void> {
    await this.#stream.start(this.#limits.startTimeoutMs);
  }

  async publish(subject: string, payload: Uint8Array, options: PublishOptions): Promise<void> {
    if (this.#closing !== undefined) throw closedError();
    checkPublication(subject, options.messageId);
    const maxBytes = (this.#connection.info?.max_payload ?? 1024 * 1024) - HEADER_BYTES;
    if (payload.length > maxBytes) throw tooLarge(maxBytes);
    const publication = this.#accept(subject, payload, options);
    const settled = publication.then(ignore, ignore).finally(() => this.#publications.delete(settled));
    this.#publications.add(settled);
    await publication;
  }

  async subscribe(pattern: string, handler: Parameters<Bus['subscribe']>[1]): Promise<AsyncDisposable> {
    if (this.#closing !== undefined) throw closedError();
    if (!isSubjectPattern(pattern)) throw new BusError('BUS_INVALID', 'the pattern is not well-formed');
    const subscription = new LiveSubscription({
      connection: this.#connection,
      pattern,
      handler,
      maxQueued: this.#limits.maxQueued,
      onGap: (missed) => this.#tellGap(missed),
      onHandlerError: (err, { subject, messageId }) => {
        this.#metrics?.handlerErrors.inc();
        // Not the subject: a log that names groups would tell when each of them talks.
        this.#log.error({ err, messageId }, 'a bus handler failed');
        this.#tellGap(subject);
      },
    });
    this.#subscriptions.add(subscription);
    const dispose = async () => {
      this.#subscriptions.delete(subscription);
      await subscription.stop();
    };
    try {
      await this.#untilServerKnows();
    } catch (error) {
      await dispose();
      throw error;
    }
    return { [Symbol.asyncDispose]: dispose };
  }

  onGap(listener: (subjectPattern: string | undefined) => void): Disposable {
    return this.#gaps.add(listener);
  }

  onAvailable(listener: () => void): Disposable {
    return this.#available.add(listener);
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      await Promise.all(this.#publications);
      for (const subscription of this.#subscriptions) subscription.unsubscribe();
      await Promise.all([...this.#subscriptions].map((subscription) => subscription.idle()));
      const quiet = this.#stream.close();
      await this.#connection.close();
      await Promise.all([quiet, this.#following, this.#settling]);
    })();
    return this.#closing;
  }

  async #accept(subject: string, payload: Uint8Array, options: PublishOptions): Promise<void> {
    if (!this.#connected) throw new BusError('BUS_UNAVAILABLE', 'there is no connection to the bus');
    const startedMs = this.#clock.monotonicMs();
    try {
      await (options.fence === undefined
        ? this.#send(subject, payload, options)
        : this.#fenced.publish(options.fence, subject, options.messageId, (lastSequence) =>
            this.#send(subject, payload, options, lastSequence),
          ));
      this.#metrics?.published.inc();
      this.#metrics?.publishSeconds.observe((this.#clock.monotonicMs() - startedMs) / 1000);
    } catch (cause) {
      const error = toBusError(cause);
      this.#metrics?.failed.inc({ code: error.code });
      throw error;
    }
  }

  /** One message to the stream, and its acknowledgement. A stream that is missing is made, once. */
  async #send(
    subject: string,
    payload: Uint8Array,
    options: PublishOptions,
    lastSubjectSequence?: number,
  ): Promise<PubAck> {
    const send = async (): Promise<PubAck> => {
      const head = headers();
      const { traceParent, acceptedAtMs } = notesOf(options);
      if (traceParent !== undefined) head.set('traceparent', traceParent);
      if (acceptedAtMs !== undefined) head.set(acceptedAtHeader, String(acceptedAtMs));
      const ack = await this.#jetstream.publish(subject, payload, {
        msgID: options.messageId,
        headers: head,
        ...(lastSubjectSequence === undefined ? {} : { expect: { lastSubjectSequence } }),
      });
      this.#stream.accepted();
      return ack;
    };
    const sentMs = this.#clock.monotonicMs();
    try {
      return await send();
    } catch (error) {
      if (isWrongLastSequence(error)) this.#stream.accepted();
      else if (toBusError(error).code === 'BUS_UNAVAILABLE') this.#stream.suspect(sentMs);
      if (!isMissingStream(error)) throw error;
    }
    await this.#stream.ensure();
    return await send();
  }

  /** What was published after this resolved reaches the subscriptions made before it was called. */
  async #untilServerKnows(): Promise<void> {
    const deadlineMs = this.#clock.monotonicMs() + this.#limits.subscribeTimeoutMs;
    for (;;) {
      const remainingMs = deadlineMs - this.#clock.monotonicMs();
      if (remainingMs <= 0)
        throw new BusError('BUS_UNAVAILABLE', 'the bus did not take the subscription in time');
      if (this.#closing !== undefined) throw closedError();
      if (await this.#flushWithin(remainingMs)) return;
    }
  }

  /** False when the connection broke meanwhile: subscriptions are sent again with the next one. */
  async #flushWithin(timeoutMs: number): Promise<boolean> {
    let timer: Disposable | undefined;
    const timeout = new Promise<boolean>((resolve) => {
      timer = this.#clock.schedule(timeoutMs, () => resolve(false));
    });
    const flushed = this.#connection.flush().then(
      () => true,
      () => this.#pause(),
    );
    try {
      return await Promise.race([flushed, timeout]);
    } finally {
      timer?.[Symbol.dispose]();
    }
  }

  async #pause(delayMs = 50): Promise<false> {
    await new Promise<void>((resolve) => {
      this.#clock.schedule(delayMs, resolve);
    });
    return false;
  }

  /**
   * Never rejects. Whoever hears of the gap reads what it missed after the server knows of all subscriptions: until then
   * the gap is not told, and it is told as soon as a connection that stays has come that far.
   */
  async #reconnected(number: number): Promise<void> {
    const isCurrent = () => this.#connectionNumber === number && this.#closing === undefined;
    for (const subscription of this.#subscriptions) subscription.forget();
    for (let attempt = 1; isCurrent(); attempt += 1) {
      try {
        await this.#untilServerKnows();
        break;
      } catch (err) {
        if (!isCurrent()) return;
        this.#log[attempt === 1 ? 'warn' : 'debug']({ err }, 'the bus is connected and does not answer');
        await this.#pause(RETRY_MS);
      }
    }
    // Lost again: told when it is back.
    if (!isCurrent()) return;
    this.#log.info({}, 'the connection to the bus is back');
    this.#tellGap(undefined);
    try {
      await this.#stream.ensure();
      this.#available.tell();
    } catch (err) {
      // Looked at again soon. If the stream is refused, publishers hear of that too.
      const level = isTransientBusError(err) ? 'warn' : 'error';
      this.#log[level]({ err }, 'the bus could not be checked after its connection came back');
    }
  }

  #tellGap(subjectPattern: string | undefined): void {
    this.#metrics?.gaps.inc();
    this.#gaps.tell(subjectPattern);
  }
}

function createBusMetrics(
  metrics: Metrics,
  bus: { readonly isConnected: () => boolean; readonly subscriptions: ReadonlySet<LiveSubscription> },
) {
  metrics.observe('bus_connected', 'Whether there is a connection to the bus.', () =>
    bus.isConnected() ? 1 : 0,
  );
  metrics.observe(
    'bus_subscriptions',
    'Subscriptions of this process to the bus.',
    () => bus.subscriptions.size,
  );
  metrics.observe('bus_waiting_messages', 'Messages that wait for handlers of this process.', () =>
    [...bus.subscriptions].reduce((sum, { waiting }) => sum + waiting, 0),
  );
  return {
    published: metrics.counter('bus_published_total', 'Messages the bus accepted, copies not counted.'),
    failed: metrics.counter('bus_publish_failures_total', 'Messages the bus did not accept.', ['code']),
    publishSeconds: metrics.histogram(
      'bus_publish_duration_seconds',
      'Time until the bus acknowledged a message.',
      DURATION_BUCKETS_S,
    ),
    gaps: metrics.counter('bus_gaps_total', 'Times that subscribers may have missed messages.'),
    handlerErrors: metrics.counter('bus_handler_errors_total', 'Messages that a handler lost.'),
  };
}

function ignore(): void {}
