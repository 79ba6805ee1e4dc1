/**
 * A subscription to what the stream republishes, with its queue and its sense for gaps.
 *
 * The stream tells with every message the sequence of the one before it on the same subject (`Nats-Last-Sequence`). If
 * that is not the one that came here last, something was missed; or the stream was made anew, or had thrown the older
 * one away for its age: then the report costs a few clients one read of the log.
 */
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import type { BusMessage } from '../bus.ts';
import { notesOf } from '../check-publication.ts';
import { Subscriber } from '../subscriber.ts';

export const livePrefix = 'live.';
/** Milliseconds since the Unix epoch, in decimal. */
export const acceptedAtHeader = 'Conclave-Accepted-At';

/** Subjects of which the last sequence is remembered, for patterns that match many. */
const MAX_SUBJECTS = 10_000;

export interface LiveSubscriptionDeps {
  readonly connection: NatsConnection;
  readonly pattern: string;
  readonly handler: (message: BusMessage) => Promise<void>;
  readonly maxQueued: number;
  readonly onGap: (subjectPattern: string) => void;
  readonly onHandlerError: (error: unknown, message: BusMessage) => void;
}

export class LiveSubscription {
  readonly #deps: LiveSubscriptionDeps;
  readonly #subscriber: Subscriber;
  readonly #subscription: Subscription;
  readonly #lastSequenceBySubject = new Map<string, number>();

  constructor(deps: LiveSubscriptionDeps) {
    this.#deps = deps;
    this.#subscriber = new Subscriber(deps);
    this.#subscription = deps.connection.subscribe(livePrefix + deps.pattern, {
      callback: (error, message) => {
        // The server refuses the subscription, or the connection ends: there is nothing to hand out.
        if (error !== null) deps.onGap(deps.pattern);
        else this.#take(message);
      },
    });
  }

  /** After a gap that was told otherwise. */
  forget(): void {
    this.#lastSequenceBySubject.clear();
  }

  unsubscribe(): void {
    if (!this.#subscription.isClosed()) this.#subscription.unsubscribe();
  }

  get waiting(): number {
    return this.#subscriber.waiting;
  }

  /** Resolves when what was queued has been handed out. */
  idle(): Promise<void> {
    return this.#subscriber.idle();
  }

  /** Drops what is queued and waits for the handler that runs. */
  async stop(): Promise<void> {
    this.unsubscribe();
    await this.#subscriber.stop();
  }

  #take(live: Msg): void {
    const message = parse(live);
    // Not republished by our stream: whoever may write to these subjects without it may not speak for it.
    if (message === undefined) return;
    const { subject, sequence, lastSequence } = message;
    const known = this.#lastSequenceBySubject.get(subject);
    if (known !== undefined && known !== lastSequence) this.#deps.onGap(subject);
    this.#lastSequenceBySubject.delete(subject);
    this.#lastSequenceBySubject.set(subject, sequence);
    if (this.#lastSequenceBySubject.size > MAX_SUBJECTS) {
      const [oldest] = this.#lastSequenceBySubject.keys();
      this.#lastSequenceBySubject.delete(oldest!);
    }
    if (!this.#subscriber.hasRoom) {
      this.#subscriber.drop();
      this.#deps.onGap(this.#deps.pattern);
    }
    this.#subscriber.accept(message);
  }
}

interface LiveMessage extends BusMessage {
  readonly sequence: number;
  readonly lastSequence: number;
}

/** Octets from the network: anything that is not a republished message is `undefined`. */
function parse({ subject, headers, data }: Msg): LiveMessage | undefined {
  const messageId = headers?.get('Nats-Msg-Id');
  const sequence = Number(headers?.get('Nats-Sequence'));
  const lastSequence = Number(headers?.get('Nats-Last-Sequence'));
  if (!messageId || !Number.isSafeInteger(sequence) || sequence < 1 || !Number.isSafeInteger(lastSequence)) {
    return undefined;
  }
  return {
    subject: subject.slice(livePrefix.length),
    messageId,
    payload: data,
    ...notesOf({
      traceParent: headers?.get('traceparent'),
      acceptedAtMs: Number(headers?.get(acceptedAtHeader)),
    }),
    sequence,
    lastSequence,
  };
}
