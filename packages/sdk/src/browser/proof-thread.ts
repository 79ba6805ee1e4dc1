/** A worker in a browser. */
import type { ProofThread, StartThread } from '../proof-worker/proof-thread.ts';

export const startProofThread: StartThread = ({ onMessage, onDeath }) => {
  let worker: Worker;
  try {
    // Written out in one piece: bundlers find the worker by this form.
    worker = new Worker(new URL('./proof-worker.ts', import.meta.url), { type: 'module' });
  } catch (error) {
    // A page's policy may forbid workers; other pages say it by the event.
    queueMicrotask(() => onDeath(new Error('the worker cannot be started', { cause: error })));
    return noThread;
  }
  worker.addEventListener('message', ({ data }) => onMessage(data));
  worker.addEventListener('messageerror', () => onDeath(new Error('the worker cannot be understood')));
  worker.addEventListener('error', ({ message }) => onDeath(new Error(`the worker failed: ${message}`)));
  return {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker, not a window
    post: (message, transfer = []) => worker.postMessage(message, transfer),
    end: () => Promise.resolve(worker.terminate()),
  };
};

const noThread: ProofThread = { post: () => undefined, end: () => Promise.resolve() };
