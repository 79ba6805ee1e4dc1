/**
 * The port to the bus: wake-ups and fan-out copies, never truth (docs/decisions/0001-shape.md). Losing all that a
 * bus holds loses nothing but time.
 *
 * Subjects are NATS subjects: tokens separated by dots, no empty token, no white space, no wildcards. Patterns may
 * use `*` for one token and, as the last token, `>` for one or more.
 */
export interface BusMessage {
  readonly subject: string;
  readonly messageId: string;
  /** Shared by all handlers: not to be changed. */
  readonly payload: Uint8Array;
}

export interface Bus {
  /**
   * Resolves once the bus has accepted the message for every present subscriber. A message id that was accepted
   * within the de-duplication window is accepted again and not delivered again, whatever its subject.
   * Rejects with {@link BusError}; `payload` must not be changed afterwards.
   */
  publish(subject: string, payload: Uint8Array, options: { messageId: string }): Promise<void>;
  /**
   * Calls `handler` for each message published from now on whose subject matches, one at a time, in the order of
   * acceptance. A handler that rejects has lost that message: it is reported, and the next one comes.
   * Disposing stops new calls and waits for the one that runs.
   */
  subscribe(pattern: string, handler: (message: BusMessage) => Promise<void>): Promise<AsyncDisposable>;
  /** Accepts nothing more, hands out what was accepted, releases what it holds. May be called more than once. */
  close(): Promise<void>;
}
