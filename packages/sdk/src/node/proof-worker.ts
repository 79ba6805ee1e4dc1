/** The program of the worker thread; on the WASM kernel, whatever its client computes with. */
import { parentPort } from 'node:worker_threads';
import { createNodeEngine } from '@conclave/ristretto/wasm-node';
import { createSuite } from '@conclave/sealed-group/verification';
import { serveClient } from '../proof-worker/serve-client.ts';
import { createSystemRandom } from '../random/system-random.ts';

const port = parentPort;
if (port === null) throw new Error('this program runs as a worker thread');
port.on(
  'message',
  serveClient({
    createDefaultSuite: () => createSuite(createNodeEngine()),
    random: createSystemRandom(),
    say: (message) => port.postMessage(message),
  }),
);
