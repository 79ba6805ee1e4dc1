/** The slow search in a Web Worker. */
import type { FoundDigits, SlowSearch } from '@conclave/sealed-group';
import { abortedError, throwIfAborted } from '../errors/conclave-error.ts';
import type { SearchMessage, WorkerSearchOptions } from '../search/slow-search.ts';

/** Each search has a worker of its own, which ends with it. Rejects with `ABORTED` as soon as the signal fires. */
export function createWorkerSearch({ onStep }: WorkerSearchOptions = {}): SlowSearch {
  return async ({ points }, signal) => {
    throwIfAborted(signal);
    const { promise, resolve, reject } = Promise.withResolvers<FoundDigits>();
    // Written out in one piece: bundlers find the worker by this form.
    const worker = new Worker(new URL('./slow-search-worker.ts', import.meta.url), { type: 'module' });
    worker.addEventListener('message', ({ data }: MessageEvent<SearchMessage>) => {
      if (data.kind === 'found') resolve(data.digits);
      else onStep?.(data.progress);
    });
    worker.addEventListener('error', ({ message }) => reject(new Error(`the worker failed: ${message}`)));
    const onAbort = (): void => reject(abortedError(signal as AbortSignal));
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker, not a window
      worker.postMessage({ points });
      return await promise;
    } finally {
      signal?.removeEventListener('abort', onAbort);
      // Its memory, with all that it computed, goes with the worker.
      worker.terminate();
    }
  };
}
