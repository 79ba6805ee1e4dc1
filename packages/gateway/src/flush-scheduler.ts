/**
 * Collects what is to be sent during one turn of the event loop and sends it at the end of that turn.
 *
 * Channels go first: they hand their publications to connections, which then write once each.
 */
export interface Flushable {
  flush(): void;
}

export class FlushScheduler {
  readonly #channels = new Set<Flushable>();
  readonly #connections = new Set<Flushable>();
  #scheduled = false;

  channelChanged(channel: Flushable): void {
    this.#channels.add(channel);
    this.#schedule();
  }

  connectionChanged(connection: Flushable): void {
    this.#connections.add(connection);
    this.#schedule();
  }

  /** Sends everything now. */
  flush(): void {
    for (const channel of this.#channels) channel.flush();
    this.#channels.clear();
    for (const connection of this.#connections) connection.flush();
    this.#connections.clear();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // After the poll phase: everything that arrived in this turn has been handled.
    setImmediate(() => {
      this.#scheduled = false;
      this.flush();
    });
  }
}
