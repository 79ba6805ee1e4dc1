import { describe, expect, test } from 'vitest';
import { createCoalescedTask } from './coalesced-task.ts';
import { createSerialQueue } from './serial-queue.ts';

describe('coalesced task', () => {
  test('whoever asks at the very end of a run is still served', async () => {
    let todo = 0;
    let done = 0;
    const task = createCoalescedTask(async () => {
      done = todo;
    });
    for (let round = 1; round <= 50; round++) {
      todo = round;
      const first = task.run();
      // Every turn in which the first run could be about to end.
      for (let turn = 0; turn < round % 8; turn++) await Promise.resolve();
      todo += 0.5;
      await Promise.all([first, task.run()]);
      expect(done).toBe(todo);
    }
  });

  test('many who ask during a run share one further run', async () => {
    let runs = 0;
    const task = createCoalescedTask(async () => {
      runs += 1;
      await new Promise((resolve) => setTimeout(resolve, 1));
    });
    const first = task.run();
    await Promise.resolve();
    await Promise.resolve();
    await Promise.all([first, ...Array.from({ length: 10 }, () => task.run())]);
    expect(runs).toBe(2);
  });

  test('a failed run is told to those who wait, and the next one runs', async () => {
    let isBroken = true;
    const task = createCoalescedTask(async () => {
      if (isBroken) throw new Error('broken');
    });
    await expect(task.run()).rejects.toThrow('broken');
    isBroken = false;
    await task.run();
    await task.idle();
  });
});

test('a serial queue runs in order and survives failures', async () => {
  const queue = createSerialQueue();
  const order: number[] = [];
  const slow = queue.run(async () => {
    await new Promise((resolve) => setTimeout(resolve, 2));
    order.push(1);
  });
  const failing = queue.run(async () => {
    order.push(2);
    throw new Error('broken');
  });
  const last = queue.run(async () => order.push(3));
  await expect(failing).rejects.toThrow('broken');
  await Promise.all([slow, last, queue.idle()]);
  expect(order).toEqual([1, 2, 3]);
});
