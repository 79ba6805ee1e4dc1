import { expect, test } from 'vitest';
import { createManualClock } from '../test/manual-clock.ts';
import { spreadOver } from './spread-over.ts';

test.each([0, 1, 7, 1_000])('%i things happen evenly within the time, each once', async (count) => {
  const clock = createManualClock();
  const startMs = clock.nowMs();
  const items = Array.from({ length: count }, (_, index) => index);
  const times: number[] = [];
  const seen: number[] = [];
  let done = false;
  const spreading = spreadOver(clock, 1_000, items, (item) => {
    seen.push(item);
    times.push(clock.nowMs() - startMs);
  }).then(() => (done = true));
  for (let elapsed = 0; elapsed < 1_000; elapsed += 20) {
    expect(done).toBe(false);
    clock.advance(20);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await spreading;
  expect(seen).toEqual(items);
  for (const [index, atMs] of times.entries()) {
    expect(Math.abs(atMs - (index / count) * 1_000)).toBeLessThanOrEqual(20);
  }
});
