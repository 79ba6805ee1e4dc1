/**
 * One subscriber of a bus: a bounded queue and the loop that hands it to the handler, one message at
 * a time.
 */
import type { BusMessage } from './bus.ts';

export class Subscriber {
  readonly #handler: (message: BusMessage) => Promise<void>;
  readonly #maxQueued: number;
  readonly #onHandlerError: (error: unknown, message: BusMessage) => void;
  #queue: BusMessage[] = [];
  #draining: Promise<void> | undefined;
  #roomWaiters: (() => void)[] = [];
  #stopped = false;

  constructor(options: {
    handler: (message: BusMessage) => Promise<void>;
    maxQueued: number;
    onHandlerError: (error: unknown, message: BusMessage) => void;
  }) {
    this.#handler = options.handler;
    this.#maxQueued = options.maxQueued;
    this.#onHandlerError = options.onHandlerError;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** A stopped subscriber has room: it takes anything and hands out nothing. */
  get hasRoom(): boolean {
    return this.#stopped || this.#queue.length < this.#maxQueued;
  }

  /** Call only while there is room. */
  accept(message: BusMessage): void {
    if (this.#stopped) return;
    this.#queue.push(message);
    this.#draining ??= this.#drain();
  }

  /** Calls `resume` once when room may have appeared. */
  onRoom(resume: () => void): Disposable {
    this.#roomWaiters.push(resume);
    return {
      [Symbol.dispose]: () => {
        this.#roomWaiters = this.#roomWaiters.filter((waiter) => waiter !== resume);
      },
    };
  }

  /** Drops what is queued. */
  drop(): void {
    this.#queue = [];
    this.#signalRoom();
  }

  /** Drops what is queued and resolves when the running handler is done. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.drop();
    await this.#draining;
  }

  /** Resolves when everything accepted was handed out. */
  async idle(): Promise<void> {
    await this.#draining;
  }

  async #drain(): Promise<void> {
    // The publisher's turn ends first: its acknowledgement does not wait for the handler.
    await Promise.resolve();
    for (let message = this.#queue.shift(); message !== undefined; message = this.#queue.shift()) {
      this.#signalRoom();
      try {
        await this.#handler(message);
      } catch (error) {
        this.#onHandlerError(error, message);
      }
    }
    this.#draining = undefined;
  }

  #signalRoom(): void {
    const waiters = this.#roomWaiters;
    if (waiters.length === 0) return;
    this.#roomWaiters = [];
    for (const resume of waiters) resume();
  }
}
