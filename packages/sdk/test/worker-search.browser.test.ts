import { expect, test } from 'vitest';
import { createBrowserSuite } from '../src/browser/index.ts';
import { startProofThread } from '../src/browser/proof-thread.ts';
import { createWorkerSearch } from '../src/proof-worker/worker-search.ts';

const kernelUrl = new URL('../../ristretto/build/ristretto.wasm', import.meta.url);
const suite = await createBrowserSuite(kernelUrl);
const workers = { startThread: startProofThread, kernel: suite.kernel };
const digits = [7, 0, 70_000, -(2 ** 20), 65_536, ...Array.from({ length: 11 }, (_, j) => j * 999)];
const pointsOf = (numbers: readonly number[]): Uint8Array =>
  suite.group.encodePoints(
    numbers.map((digit) => suite.messageBaseTable.multiply(suite.group.scalars.fromNumber(digit))),
  );

test.each([
  ['on the kernel of its page', workers],
  ['on JavaScript’s BigInt', { ...workers, kernel: undefined }],
])('a Web Worker %s finds a cheater’s digits', async (_where, where) => {
  let steps = 0;
  const search = createWorkerSearch({ ...where, onStep: () => (steps += 1) });
  expect(await search({ points: pointsOf(digits) })).toEqual(digits);
  expect(steps).toBeGreaterThan(0);
});

test('the page goes on beside it, and ends it', async () => {
  let steps = 0;
  let turns = 0;
  const stop = new AbortController();
  const turn = (): void => {
    turns += 1;
    if (!stop.signal.aborted) setTimeout(turn);
  };
  const search = createWorkerSearch({
    ...workers,
    onStep() {
      steps += 1;
      if (steps === 20) stop.abort();
    },
  });
  // Outside of what is searched: it would go on for minutes.
  const points = pointsOf(digits.map((digit) => 2 ** 50 + digit));
  turn();
  await expect(search({ points }, stop.signal)).rejects.toMatchObject({ code: 'ABORTED' });
  expect(turns).toBeGreaterThan(steps);
});
