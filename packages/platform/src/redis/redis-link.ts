/**
 * One connection to Redis that keeps nobody waiting: a circuit breaker around the client.
 *
 *                     connected, a write was answered
 *            ┌──────────────────────────────────────────────┐
 *            │                                              ▼
 *          DOWN   run() is refused at once                  UP   run() asks, and waits `answerMs` at the most
 *            ▲                                              │
 *            └──────────────────────────────────────────────┘
 *                     one answer is late · the connection is lost · "I cannot now"
 *
 * While it is down one background task asks, nobody else does. A connection that only was slow is asked again before it is
 * given up: answers come in order, so an answered question means that everything before it was answered too. The question is a
 * write, because a Redis that is loading, full or a read-only replica answers PING.
 */
import { createClient, ErrorReply, RESP_TYPES } from '@redis/client';
import type { Clock } from '../clock/clock.ts';
import type { Log } from '../log/log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { randomFraction, type RandomSource } from '../random/random-source.ts';
import { systemRandom } from '../random/system-random.ts';
import { RedisError } from './redis-error.ts';
import { redisScripts } from './redis-scripts.ts';

export interface RedisLinkDeps {
  /** `redis://` or `rediss://[USER@]HOST[:PORT][/DATABASE]`, without a password. */
  readonly url: string;
  readonly password?: string | undefined;
  /** Begins every key and channel. */
  readonly prefix: string;
  /** Real time: Redis has no other. */
  readonly clock: Clock;
  /** For the jitter of attempts; the system's by default. */
  readonly random?: RandomSource;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly limits?: Partial<RedisLinkLimits>;
}

export interface RedisLinkLimits {
  /** How long anybody waits for an answer; default 250. */
  readonly answerMs: number;
  /** How long connecting, or asking a silent connection, may take in the background; default 2,500. */
  readonly connectMs: number;
  /** The pause between attempts grows to this, and is jittered; default 1,000. */
  readonly maxPauseMs: number;
  /** Commands under way; beyond it they are refused as if Redis were down. Default 10,000. */
  readonly maxInFlight: number;
}

const defaults: RedisLinkLimits = { answerMs: 250, connectMs: 2_500, maxPauseMs: 1_000, maxInFlight: 10_000 };
const minPauseMs = 50;
/** A timer that fires later than this says that the event loop was busy. */
const busyMs = 50;

export type RedisClient = ReturnType<typeof createRedisClient>;

export interface RedisLink extends AsyncDisposable {
  readonly isUp: boolean;
  readonly prefix: string;
  /**
   * Asks, and resolves with the answer. Rejects with {@link RedisError}: at once while Redis is down, else within `answerMs`,
   * not counting the time for which this process itself was busy.
   * A command whose answer came too late may have taken effect.
   */
  run<T>(ask: (client: RedisClient) => Promise<T>): Promise<T>;
  /**
   * Runs on each new connection before it counts as up, and on the present one before this resolves: subscriptions. Never
   * rejects: a connection on which it fails is given up.
   */
  onConnect(prepare: (client: RedisClient) => Promise<void>): Promise<void>;
  /** Called after each change. Must not throw. */
  onChange(listener: (isUp: boolean) => void): void;
}

type Outcome = 'answered' | 'refused' | 'late' | 'lost' | 'skipped';

/** Resolves as soon as Redis has answered, or has not for `connectMs`: a process starts without it. */
export async function openRedisLink(deps: RedisLinkDeps): Promise<RedisLink> {
  const { clock, random = systemRandom, log, prefix } = deps;
  const limits = { ...defaults, ...deps.limits };
  const measured = createLinkMetrics(deps.metrics);
  const prepares: ((client: RedisClient) => Promise<void>)[] = [];
  const listeners: ((isUp: boolean) => void)[] = [];
  const firstAttempt = Promise.withResolvers<void>();
  let closed = false;
  /** The connection that is up, or was until its answer was late. */
  let client: RedisClient | undefined;
  /** The same, or the one that is being made. */
  let newest: RedisClient | undefined;
  let isUp = false;
  let inFlight = 0;
  /** Of the connection that is up: resolves when it has to be looked after. */
  let trouble = Promise.withResolvers<void>();
  /** Ends the pause under way. */
  let wake = (): void => undefined;
  const isOpen = () => !closed;

  const change = (next: boolean): void => {
    isUp = next;
    measured.up.set(next ? 1 : 0);
    for (const listener of listeners) listener(next);
  };

  /** At once for everybody; the background task hears of it in its turn. */
  const goDown = (from: RedisClient, error: RedisError): void => {
    if (client !== from || !isUp) return;
    change(false);
    log.warn({ err: error }, 'Redis is not answering: this process limits by itself, and shares nothing');
    trouble.resolve();
  };

  const goUp = (): void => {
    trouble = Promise.withResolvers();
    change(true);
    log.info({}, 'Redis is answering');
  };

  /** The answer, or a rejection with RedisError after `ms`. */
  const ask = async <T>(from: RedisClient, question: (client: RedisClient) => Promise<T>, ms: number) => {
    const late = Promise.withResolvers<never>();
    const startedAtMs = performance.now();
    const giveUp = (): void => {
      // What lies in the socket is read before this is called.
      setImmediate(() => late.reject(new LateError(`no answer within ${ms} ms`)));
    };
    let timer = clock.schedule(ms, () => {
      // A process that was busy itself has not even asked, perhaps: it begins to wait now.
      if (performance.now() - startedAtMs > ms + busyMs) timer = clock.schedule(ms, giveUp);
      else giveUp();
    });
    try {
      return await Promise.race([question(from), late.promise]);
    } catch (cause) {
      throw asRedisError(cause);
    } finally {
      timer[Symbol.dispose]();
    }
  };

  const probe = async (from: RedisClient): Promise<void> => {
    await ask(
      from,
      (asked) => asked.set(`${prefix}probe`, '', { expiration: { type: 'PX', value: 1_000 } }),
      limits.connectMs,
    );
  };

  const connect = async (): Promise<RedisClient> => {
    const made = createRedisClient(deps, limits);
    newest = made;
    made.on('error', (error: unknown) => goDown(made, asRedisError(error)));
    made.on('end', () => goDown(made, new RedisError('REDIS_UNAVAILABLE', 'the connection was closed')));
    try {
      await ask(made, () => made.connect(), limits.connectMs);
      await probe(made);
      // Last, and by index: what is added meanwhile is prepared too.
      for (let next = 0; next < prepares.length; next++) await ask(made, prepares[next]!, limits.connectMs);
      return made;
    } catch (error) {
      destroy(made);
      throw error;
    }
  };

  const pause = async (ms: number): Promise<void> => {
    const over = Promise.withResolvers<void>();
    wake = over.resolve;
    using _timer = clock.schedule(ms, wake);
    await over.promise;
  };

  /** Until the connection is lost or this is closed. */
  const use = async (made: RedisClient): Promise<void> => {
    client = made;
    try {
      while (isOpen()) {
        goUp();
        await trouble.promise;
        if (closed) return;
        // Late is not lost: what answers again, however late, is kept.
        await probe(made);
      }
    } finally {
      client = undefined;
      destroy(made);
    }
  };

  const keepConnected = async (): Promise<void> => {
    let pauseMs = minPauseMs;
    let isReported = false;
    while (isOpen()) {
      try {
        const made = await connect();
        pauseMs = minPauseMs;
        isReported = true;
        await use(made);
      } catch (err) {
        if (!isReported)
          log.warn({ err }, 'Redis cannot be reached: this process limits by itself, and shares nothing');
        isReported = true;
      }
      firstAttempt.resolve();
      if (isOpen()) await pause(pauseMs * (0.5 + randomFraction(random)));
      pauseMs = Math.min(limits.maxPauseMs, pauseMs * 2);
    }
  };

  change(false);
  listeners.push((up) => {
    if (up) firstAttempt.resolve();
  });
  const running = keepConnected();
  await firstAttempt.promise;

  return {
    prefix,
    get isUp() {
      return isUp;
    },
    async onConnect(prepare) {
      prepares.push(prepare);
      const present = client;
      if (present === undefined) return;
      try {
        await ask(present, prepare, limits.answerMs);
      } catch (error) {
        goDown(present, asRedisError(error));
        destroy(present);
      }
    },
    onChange: (listener) => void listeners.push(listener),
    async run(question) {
      const from = client;
      if (!isUp || from === undefined || inFlight >= limits.maxInFlight) {
        measured.count('skipped');
        throw new RedisError('REDIS_UNAVAILABLE', 'Redis is not answering');
      }
      inFlight++;
      const startedAtMs = performance.now();
      try {
        const answer = await ask(from, question, limits.answerMs);
        measured.count('answered', startedAtMs);
        return answer;
      } catch (error) {
        const failure = asRedisError(error);
        measured.count(outcomeOf(failure), startedAtMs);
        if (failure.code === 'REDIS_UNAVAILABLE') goDown(from, failure);
        throw failure;
      } finally {
        inFlight--;
      }
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      if (isUp) change(false);
      trouble.resolve();
      wake();
      if (newest !== undefined) destroy(newest);
      await running;
    },
  };
}

class LateError extends Error {}

function createRedisClient({ url, password, prefix }: RedisLinkDeps, limits: RedisLinkLimits) {
  return createClient({
    url,
    ...(password === undefined ? {} : { password }),
    scripts: redisScripts,
    // Bytes come back as bytes.
    commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
    disableOfflineQueue: true,
    commandsQueueMaxLength: limits.maxInFlight + 100,
    maintNotifications: 'disabled',
    name: prefix.replace(/[^\w:-]/g, ''),
    socket: { reconnectStrategy: false, connectTimeout: limits.connectMs },
  });
}

/** Its pending commands reject; whoever waited for one has been told. */
function destroy(client: RedisClient): void {
  if (client.isOpen) client.destroy();
}

/** Error codes of the protocol that speak of one command; every other speaks of the server's state. */
const codesOfOneCommand = new Set(['ERR', 'WRONGTYPE', 'NOSCRIPT', 'CROSSSLOT', 'EXECABORT']);

function asRedisError(cause: unknown): RedisError {
  if (cause instanceof RedisError) return cause;
  // An error reply begins with its code, says the protocol.
  const isOneCommand = cause instanceof ErrorReply && codesOfOneCommand.has(cause.message.split(' ', 1)[0]!);
  return isOneCommand
    ? new RedisError('REDIS_REFUSED', 'Redis refused a command', { cause })
    : new RedisError('REDIS_UNAVAILABLE', 'Redis does not answer', { cause });
}

function outcomeOf({ code, cause }: RedisError): Outcome {
  if (code === 'REDIS_REFUSED') return 'refused';
  return cause instanceof LateError ? 'late' : 'lost';
}

function createLinkMetrics(metrics: Metrics) {
  const up = metrics.gauge('redis_up', 'Whether Redis answers: 1 or 0.');
  const calls = metrics.counter('redis_calls_total', 'Questions to Redis, by outcome.', ['outcome']);
  const durations = metrics.histogram(
    'redis_call_duration_seconds',
    'How long a question to Redis took, whatever came of it.',
    [0.0002, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25],
  );
  return {
    up,
    count(outcome: Outcome, startedAtMs?: number): void {
      calls.inc({ outcome });
      if (startedAtMs !== undefined) durations.observe((performance.now() - startedAtMs) / 1000);
    },
  };
}
