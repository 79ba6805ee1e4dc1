/**
 * Typed events. Listeners run synchronously in the order of their adding, after the state that the event speaks of
 * is on disk. A listener that throws does not disturb the others or the SDK: its error surfaces as an uncaught one,
 * as with the platform's EventTarget.
 */
import { abortedError, throwIfAborted } from '../errors/conclave-error.ts';

export class EventEmitter<Events extends object> {
  readonly #listenersByType = new Map<keyof Events, Set<(event: never) => void>>();

  /** Adds a listener; calling the returned function removes it. */
  on<Type extends keyof Events>(type: Type, listener: (event: Events[Type]) => void): () => void {
    const listeners = this.#listenersByType.get(type) ?? new Set();
    this.#listenersByType.set(type, listeners);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  /** The next event of this type for which `when` holds. */
  async next<Type extends keyof Events>(
    type: Type,
    options: { when?: (event: Events[Type]) => boolean; signal?: AbortSignal } = {},
  ): Promise<Events[Type]> {
    const { when, signal } = options;
    throwIfAborted(signal);
    return await new Promise((resolve, reject) => {
      const onAbort = (): void => {
        remove();
        reject(abortedError(signal as AbortSignal));
      };
      const remove = this.on(type, (event) => {
        if (when !== undefined && !when(event)) return;
        remove();
        signal?.removeEventListener('abort', onAbort);
        resolve(event);
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  emit<Type extends keyof Events>(type: Type, event: Events[Type]): void {
    // A copy, because listeners may add and remove listeners.
    for (const listener of Array.from(this.#listenersByType.get(type) ?? [])) {
      try {
        (listener as (event: Events[Type]) => void)(event);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
