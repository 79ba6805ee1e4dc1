/**
 * The program of a worker: a suite of its own on the kernel that it was given compiled, and one answer for every parcel.
 * What throws here is a bug; it ends the worker, and its supervisor decides what happens to the work (proof-lane.ts).
 */
import { parentPort, workerData } from 'node:worker_threads';
import { createWasmEngine } from '@conclave/ristretto';
import { createSuite, unpackClaims, verifyClaims } from '@conclave/sealed-group/verification';
import type { ClaimParcel } from '@conclave/sealed-group/verification';
import type { FromWorker, WorkerSettings } from './proof-thread.ts';
import { createRandomWeights } from './random-weights.ts';
import { rememberPoints } from './remember-points.ts';

if (parentPort === null) throw new Error('this program is a worker');
const port = parentPort;
const { kernel, maxRememberedPoints } = workerData as WorkerSettings;
const suite = rememberPoints(createSuite(createWasmEngine(kernel)), maxRememberedPoints);
const random = createRandomWeights();

const say = (message: FromWorker): void => port.postMessage(message);

port.on('message', (parcel: ClaimParcel) => {
  say({ kind: 'verdicts', verdicts: verifyClaims({ suite, random }, unpackClaims(parcel)) });
});
say({ kind: 'ready' });
