import { createNodeEngine } from '@conclave/ristretto/wasm-node';
import { createSuite, type FoundDigits } from '@conclave/sealed-group';
import { describe, expect, test } from 'vitest';
import { createSearchWithFallback, createSlicedSearch } from '../search/slow-search.ts';
import { createSystemClock } from '../time/clock.ts';
import { startProofThread } from '../node/proof-thread.ts';
import { createWorkerSearch } from './worker-search.ts';

const suite = createSuite(createNodeEngine());
const clock = createSystemClock();
const workers = { startThread: startProofThread, kernel: suite.kernel };
const digits = [7, -1, 70_000, -(2 ** 22), 65_536, ...Array.from({ length: 11 }, (_, j) => j * 999)];

const pointsOf = (numbers: readonly number[]): Uint8Array =>
  suite.group.encodePoints(
    numbers.map((digit) => suite.messageBaseTable.multiply(suite.group.scalars.fromNumber(digit))),
  );
/** Nobody finds these: their logarithms lie far outside of what is searched. */
const endless = (): Uint8Array => pointsOf(digits.map((digit) => 2 ** 50 + digit));

describe('the search for a cheater’s digits', () => {
  test.each([
    ['on a worker thread', createWorkerSearch(workers)],
    ['in slices', createSlicedSearch({ suite, clock })],
  ])('%s finds them', async (_where, search) => {
    expect(await search({ points: pointsOf(digits) })).toEqual(digits);
  });

  test('runs beside the main thread, which goes on turning between its steps', async () => {
    let steps = 0;
    let turns = 0;
    const stop = new AbortController();
    const search = createWorkerSearch({
      ...workers,
      onStep() {
        steps += 1;
        if (steps === 20) stop.abort();
      },
    });
    const turn = (): void => {
      turns += 1;
      if (!stop.signal.aborted) setImmediate(turn);
    };
    turn();
    await expect(search({ points: endless() }, stop.signal)).rejects.toMatchObject({ code: 'ABORTED' });
    expect(steps).toBeGreaterThanOrEqual(20);
    // On this thread the search would let it turn once a step at the most.
    expect(turns).toBeGreaterThan(steps);
  });

  test('a search that is not wanted any more is not begun', async () => {
    const never = createWorkerSearch({ ...workers, onStep: () => expect.unreachable() });
    const search = createSearchWithFallback(never, never);
    await expect(search({ points: endless() }, AbortSignal.abort())).rejects.toMatchObject({
      code: 'ABORTED',
    });
  });

  test('is made on this thread where a worker fails', async () => {
    const broken = (): Promise<FoundDigits> => Promise.reject(new Error('no workers here'));
    const search = createSearchWithFallback(broken, createSlicedSearch({ suite, clock }));
    expect(await search({ points: pointsOf(digits) })).toEqual(digits);
  });

  test('a worker that cannot run says so', async () => {
    const search = createWorkerSearch(workers);
    await expect(search({ points: new Uint8Array(12) })).rejects.toThrow('16 digits');
  });
});
