/** The slow search in a worker: one for each search, which ends with it, because what it computes is a secret. */
import type { SmallLogProgress } from '@conclave/ristretto';
import type { FoundDigits, SlowSearch } from '@conclave/sealed-group';
import { abortedError, throwIfAborted } from '../errors/conclave-error.ts';
import type { FromWorker, StartThread } from './proof-thread.ts';

export interface WorkerSearchDeps {
  readonly startThread: StartThread;
  /** Of the client's suite. */
  readonly kernel: WebAssembly.Module | undefined;
  readonly onStep?: (progress: SmallLogProgress) => void;
}

/** Rejects with `ABORTED` as soon as the signal fires, and with the cause if the worker dies. */
export function createWorkerSearch({ startThread, kernel, onStep }: WorkerSearchDeps): SlowSearch {
  return async ({ points }, signal) => {
    throwIfAborted(signal);
    const { promise, resolve, reject } = Promise.withResolvers<FoundDigits>();
    const thread = startThread({
      onMessage(message) {
        // What it found is checked by whoever asked.
        const said = message as FromWorker;
        if (said.kind === 'found') resolve(said.digits);
        else if (said.kind === 'step') onStep?.(said.progress);
      },
      onDeath: reject,
    });
    const onAbort = (): void => reject(abortedError(signal as AbortSignal));
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      thread.post({ kind: 'start', kernel });
      thread.post({ kind: 'search', search: { points } });
      return await promise;
    } finally {
      signal?.removeEventListener('abort', onAbort);
      await thread.end();
    }
  };
}
