import type { Log } from '../log/log.ts';

/** Who wants to hear that messages may have been missed. */
export class GapListeners {
  readonly #log: Log;
  readonly #listeners = new Set<(subjectPattern: string | undefined) => void>();

  constructor(log: Log) {
    this.#log = log;
  }

  add(listener: (subjectPattern: string | undefined) => void): Disposable {
    // A wrapper of its own per call, so that one function registered twice is two listeners.
    const registered = (subjectPattern: string | undefined) => listener(subjectPattern);
    this.#listeners.add(registered);
    return { [Symbol.dispose]: () => void this.#listeners.delete(registered) };
  }

  tell(subjectPattern: string | undefined): void {
    for (const listener of this.#listeners) {
      try {
        listener(subjectPattern);
      } catch (err) {
        this.#log.error({ err }, 'a listener for gaps threw');
      }
    }
  }
}
