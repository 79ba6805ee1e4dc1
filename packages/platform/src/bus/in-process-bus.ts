/**
 * The embedded bus: subscribers of the same process.
 *
 *   publish ─▶ seen this id? ─▶ room at every matching subscriber? ─▶ queues ─▶ acknowledged
 *                 │ yes              │ no: wait, at most maxWaitMs          │
 *                 ▼                  ▼                                      ▼ one at a time
 *            acknowledged         BUS_FULL, nobody got it                handlers
 *
 * A message goes to all matching subscribers or to none, so that trying again doubles nothing. A subscriber that
 * never finishes therefore holds up the subjects it listens to, visibly, and loses nothing.
 */
import type { Clock } from '../clock/clock.ts';
import type { Log } from '../log/log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { BusError } from './bus-error.ts';
import type { Bus, BusMessage, PublicationFence } from './bus.ts';
import { checkPublication, closedError, notesOf, tooLarge } from './check-publication.ts';
import { GapListeners } from './gap-listeners.ts';
import { MessageIdWindow } from './message-id-window.ts';
import { isSubjectPattern, SubjectIndex } from './subject.ts';
import { Subscriber } from './subscriber.ts';

export interface InProcessBusLimits {
  /** Messages waiting for one subscriber. */
  readonly maxQueued: number;
  /** How long `publish` waits for room before `BUS_FULL`. */
  readonly maxWaitMs: number;
  /** How long, and how many at most, message ids are remembered: at least the half that came last. */
  readonly deduplicationMs: number;
  readonly maxMessageIds: number;
  readonly maxPayloadBytes: number;
}

export interface InProcessBusDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics?: Metrics;
  readonly limits?: Partial<InProcessBusLimits>;
}

const DEFAULT_LIMITS: InProcessBusLimits = {
  maxQueued: 1024,
  maxWaitMs: 5_000,
  deduplicationMs: 120_000,
  maxMessageIds: 200_000,
  maxPayloadBytes: 1024 * 1024,
};

export function createInProcessBus(deps: InProcessBusDeps): Bus {
  const limits = { ...DEFAULT_LIMITS, ...deps.limits };
  const subscribers = new Set<Subscriber>();
  const subscribersBySubject = new SubjectIndex<Subscriber>();
  const gaps = new GapListeners(deps.log);
  const accepted = new MessageIdWindow({
    clock: deps.clock,
    windowMs: limits.deduplicationMs,
    maxIds: limits.maxMessageIds,
  });
  /** Publications that wait for room, so that a second one with the same id shares the first one's fate. */
  const waitingById = new Map<string, Promise<void>>();
  const published = deps.metrics?.counter(
    'bus_published_total',
    'Messages the bus accepted, copies not counted.',
  );
  const full = deps.metrics?.counter(
    'bus_full_total',
    'Messages refused because a subscriber was too far behind.',
  );
  const handlerErrors = deps.metrics?.counter('bus_handler_errors_total', 'Messages that a handler lost.');
  deps.metrics?.observe(
    'bus_subscriptions',
    'Subscriptions of this process to the bus.',
    () => subscribers.size,
  );
  deps.metrics?.observe('bus_waiting_messages', 'Messages that wait for handlers of this process.', () =>
    [...subscribers].reduce((sum, { waiting }) => sum + waiting, 0),
  );
  let closed = false;

  /** Done, or the subscriber for which it has to wait. */
  const accept = (message: BusMessage, fence: PublicationFence | undefined): Subscriber | undefined => {
    if (closed) throw closedError();
    if (fence?.isHeld() === false) throw new BusError('BUS_FENCED', 'the right to publish is lost');
    const matching = subscribersBySubject.match(message.subject);
    const slow = matching.find((subscriber) => !subscriber.hasRoom);
    if (slow !== undefined) return slow;
    published?.inc();
    accepted.add(message.messageId);
    for (const subscriber of matching) subscriber.accept(message);
    return undefined;
  };

  /** Waits until every matching subscriber has room, looking afresh after each wait: they come and go. */
  const acceptWhenRoom = async (
    message: BusMessage,
    fence: PublicationFence | undefined,
    firstSlow: Subscriber,
  ): Promise<void> => {
    const deadlineMs = deps.clock.nowMs() + limits.maxWaitMs;
    for (let slow: Subscriber | undefined = firstSlow; slow !== undefined; slow = accept(message, fence)) {
      const remainingMs = deadlineMs - deps.clock.nowMs();
      if (remainingMs <= 0) {
        full?.inc();
        throw new BusError('BUS_FULL', 'a subscriber is too far behind');
      }
      await roomOrTimeout(slow, remainingMs, deps.clock);
    }
  };

  return {
    async publish(subject, payload, options) {
      const { messageId, fence } = options;
      if (closed) throw closedError();
      checkPublication(subject, messageId);
      if (payload.length > limits.maxPayloadBytes) throw tooLarge(limits.maxPayloadBytes);
      if (accepted.has(messageId)) return;
      let waiting = waitingById.get(messageId);
      if (waiting === undefined) {
        const message = { subject, payload, messageId, ...notesOf(options) };
        const slow = accept(message, fence);
        if (slow === undefined) return;
        waiting = acceptWhenRoom(message, fence, slow).finally(() => waitingById.delete(messageId));
        waitingById.set(messageId, waiting);
      }
      await waiting;
    },

    async subscribe(pattern, handler) {
      if (closed) throw closedError();
      if (!isSubjectPattern(pattern)) throw new BusError('BUS_INVALID', 'the pattern is not well-formed');
      const subscriber = new Subscriber({
        handler,
        maxQueued: limits.maxQueued,
        onHandlerError: (err, { subject, messageId }) => {
          handlerErrors?.inc();
          // Not the subject: a log that names groups would tell when each of them talks.
          deps.log.error({ err, messageId }, 'a bus handler failed');
          gaps.tell(subject);
        },
      });
      subscribers.add(subscriber);
      subscribersBySubject.add(pattern, subscriber);
      return {
        async [Symbol.asyncDispose]() {
          subscribersBySubject.delete(pattern, subscriber);
          subscribers.delete(subscriber);
          await subscriber.stop();
        },
      };
    },

    // Publishers wait for slow subscribers: only what a handler lost is missed.
    onGap: (listener) => gaps.add(listener),

    // It is never away, and publishers wait for room themselves.
    onAvailable: () => ({ [Symbol.dispose]() {} }),

    async close() {
      closed = true;
      await Promise.all([...subscribers].map((subscriber) => subscriber.idle()));
    },
  };
}

function roomOrTimeout(subscriber: Subscriber, timeoutMs: number, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.schedule(timeoutMs, () => {
      waiter[Symbol.dispose]();
      resolve();
    });
    const waiter = subscriber.onRoom(() => {
      timer[Symbol.dispose]();
      resolve();
    });
  });
}
