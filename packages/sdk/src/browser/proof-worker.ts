/** The program of the Web Worker; on its client's kernel, or on JavaScript's BigInt if that has none. */
import { createSuite } from '@conclave/sealed-group/verification';
import type { ToWorker } from '../proof-worker/proof-thread.ts';
import { serveClient } from '../proof-worker/serve-client.ts';
import { createSystemRandom } from '../random/system-random.ts';

const take = serveClient({
  createDefaultSuite: createSuite,
  random: createSystemRandom(),
  say: (message) => postMessage(message),
});
addEventListener('message', ({ data }: MessageEvent<ToWorker>) => take(data));
