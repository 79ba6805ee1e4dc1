import type { Log } from '../log/log.ts';

/** Who wants to hear that the bus takes publications again. */
export class AvailabilityListeners {
  readonly #log: Log;
  readonly #listeners = new Set<() => void>();

  constructor(log: Log) {
    this.#log = log;
  }

  add(listener: () => void): Disposable {
    // A wrapper of its own per call, so that one function registered twice is two listeners.
    const registered = () => listener();
    this.#listeners.add(registered);
    return { [Symbol.dispose]: () => void this.#listeners.delete(registered) };
  }

  tell(): void {
    for (const listener of this.#listeners) {
      try {
        listener();
      } catch (err) {
        this.#log.error({ err }, 'a listener for the availability of the bus threw');
      }
    }
  }
}
