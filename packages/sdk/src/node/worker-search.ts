/** The slow search on a worker thread of Node. */
import { Worker } from 'node:worker_threads';
import type { FoundDigits, SlowSearch } from '@conclave/sealed-group';
import { abortedError, throwIfAborted } from '../errors/conclave-error.ts';
import type { SearchMessage, WorkerSearchOptions } from '../search/slow-search.ts';

const program = new URL('./slow-search-worker.ts', import.meta.url);

/** Each search has a thread of its own, which ends with it. Rejects with `ABORTED` as soon as the signal fires. */
export function createWorkerSearch({ onStep }: WorkerSearchOptions = {}): SlowSearch {
  return async ({ points }, signal) => {
    throwIfAborted(signal);
    const { promise, resolve, reject } = Promise.withResolvers<FoundDigits>();
    const worker = new Worker(program, { workerData: { points }, execArgv: [], env: {} });
    worker.on('message', (message: SearchMessage) => {
      if (message.kind === 'found') resolve(message.digits);
      else onStep?.(message.progress);
    });
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('the search ended without an answer')));
    const onAbort = (): void => reject(abortedError(signal as AbortSignal));
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      return await promise;
    } finally {
      signal?.removeEventListener('abort', onAbort);
      // Its memory, with all that it computed, goes with the thread.
      await worker.terminate();
    }
  };
}
