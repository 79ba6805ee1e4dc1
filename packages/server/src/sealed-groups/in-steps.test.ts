import { expect, it } from 'vitest';
import { inSteps } from './in-steps.ts';

function hold(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

it('lets others have their turn at a pause of long work', async () => {
  const order: string[] = [];
  function* work() {
    for (const step of ['first', 'second']) {
      hold(5);
      order.push(step);
      yield;
    }
    return 'done';
  }
  setImmediate(() => order.push('other'));
  expect(await inSteps(work())).toBe('done');
  expect(order).toEqual(['first', 'other', 'second']);
});

it('does quick work at once, and fails as it fails', async () => {
  let turned = false;
  setImmediate(() => (turned = true));
  function* quick() {
    yield;
    return turned;
  }
  expect(await inSteps(quick())).toBe(false);
  function* failing(): Generator<undefined, never, undefined> {
    yield;
    throw new RangeError('no');
  }
  await expect(inSteps(failing())).rejects.toThrow('no');
});
