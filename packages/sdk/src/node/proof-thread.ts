/** A worker on a thread of Node. */
import { Worker } from 'node:worker_threads';
import type { StartThread } from '../proof-worker/proof-thread.ts';

const program = new URL('./proof-worker.ts', import.meta.url);

export const startProofThread: StartThread = ({ onMessage, onDeath }) => {
  const worker = new Worker(program, { name: 'proofs', execArgv: [], env: {} });
  worker.on('message', onMessage);
  worker.on('messageerror', onDeath);
  worker.on('error', onDeath);
  worker.on('exit', () => onDeath(new Error('the worker ended')));
  return {
    post: (message, transfer) => worker.postMessage(message, transfer),
    end: async () => void (await worker.terminate()),
  };
};
