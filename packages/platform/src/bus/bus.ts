/**
 * The port to the bus: wake-ups and fan-out copies, never truth (docs/decisions/0001-shape.md). Losing all that a
 * bus holds loses nothing but time.
 *
 * Subjects are NATS subjects: tokens separated by dots, no empty token, no white space, no wildcards. What is published
 * begins with `events.`. Patterns may use `*` for one token and, as the last token, `>` for one or more.
 */
export interface BusMessage {
  readonly subject: string;
  readonly messageId: string;
  /** Shared by all handlers: not to be changed. */
  readonly payload: Uint8Array;
  /** The trace that the publisher gave (W3C `traceparent`). Untrusted text. */
  readonly traceParent?: string | undefined;
  /** When what it tells was accepted, by the database's clock, if the publisher knew. */
  readonly acceptedAtMs?: number | undefined;
}

/** A right to publish that may end at any moment, and then ends for what is already under way too. A lease is one. */
export interface PublicationFence {
  /** Whether the right is still held, at this very moment and on the safe side. */
  isHeld(): boolean;
}

export interface PublishOptions {
  /** Identifies the message; at most 256 UTF-16 units. */
  readonly messageId: string;
  /** W3C `traceparent`, handed to subscribers. */
  readonly traceParent?: string | undefined;
  /** When what it tells was accepted, by the database's clock; handed to subscribers. */
  readonly acceptedAtMs?: number | undefined;
  /**
   * Refuses the message with `BUS_FENCED` if the right is lost before the bus accepts it, as far as anybody else has
   * published on the subject since: a late publication never comes after its successor's.
   */
  readonly fence?: PublicationFence | undefined;
}

export interface Bus {
  /**
   * Resolves once the bus has accepted the message for every present subscriber. A message id that was accepted
   * within the de-duplication window is accepted again and not delivered again, whatever its subject.
   * Rejects with {@link BusError}; `payload` must not be changed afterwards.
   */
  publish(subject: string, payload: Uint8Array, options: PublishOptions): Promise<void>;
  /**
   * Calls `handler` for each message published from now on whose subject matches, one at a time, in the order of
   * acceptance. A handler that rejects has lost that message: it is reported, as a gap too, and the next one comes.
   * Disposing stops new calls and waits for the one that runs.
   */
  subscribe(pattern: string, handler: (message: BusMessage) => Promise<void>): Promise<AsyncDisposable>;
  /**
   * Tells that subscribers may have missed messages on subjects that match the pattern, or on any if there is none.
   * What was missed is not delivered later: whoever needs it reads the database. Listeners must not throw.
   */
  onGap(listener: (subjectPattern: string | undefined) => void): Disposable;
  /**
   * Tells that the bus, which could not be reached or could not accept, probably can again: what it refused may be tried at
   * once. A bus that is never away never tells it. Listeners must not throw.
   */
  onAvailable(listener: () => void): Disposable;
  /** Accepts nothing more, hands out what was accepted, releases what it holds. May be called more than once. */
  close(): Promise<void>;
}
