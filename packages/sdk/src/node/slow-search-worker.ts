/** The program of the worker thread: one search on the WASM kernel, then nothing more. */
import { parentPort, workerData } from 'node:worker_threads';
import { createNodeEngine } from '@conclave/ristretto/wasm-node';
import { createSuite, type DigitSearch } from '@conclave/sealed-group';
import { runSearch } from '../search/slow-search.ts';

const port = parentPort;
if (port === null) throw new Error('this program runs as a worker thread');
runSearch(createSuite(createNodeEngine()), workerData as DigitSearch, (message) => port.postMessage(message));
