/** Time as a parameter. Structurally the server's `Clock` port, so that tests drive both with one clock. */
import { abortedError, throwIfAborted } from '../errors/conclave-error.ts';

export interface Clock {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number;
  /** Runs `task` once after `delayMs`; disposing before that cancels it. */
  schedule(delayMs: number, task: () => void): Disposable;
}

/** The machine's clock. Pending timers keep a Node process alive until they ran or the client was closed. */
export function createSystemClock(): Clock {
  return {
    // oxlint-disable-next-line no-restricted-properties -- the one place where ambient time enters the SDK
    nowMs: () => Date.now(),
    schedule(delayMs, task) {
      const timer = setTimeout(task, delayMs);
      return { [Symbol.dispose]: () => clearTimeout(timer) };
    },
  };
}

/** Resolves after `delayMs`; rejects with `ABORTED` as soon as the signal fires. */
export async function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  throwIfAborted(signal);
  await new Promise<void>((resolve, reject) => {
    const onAbort = (): void => {
      timer[Symbol.dispose]();
      reject(abortedError(signal as AbortSignal));
    };
    const timer = clock.schedule(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
