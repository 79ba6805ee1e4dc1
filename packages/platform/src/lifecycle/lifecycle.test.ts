import { describe, expect, test } from 'vitest';
import { createManualClock } from '../clock/manual-clock.ts';
import { createLog } from '../log/create-log.ts';
import { silentLog } from '../log/log.ts';
import { createLifecycle } from './lifecycle.ts';

describe('a lifecycle', () => {
  test('closes what it owns in reverse order, whatever its way of being released', async () => {
    const lifecycle = createLifecycle({ clock: createManualClock(), log: silentLog });
    const closed: string[] = [];
    lifecycle.own('store', { close: async () => void closed.push('store') });
    lifecycle.own('timer', { [Symbol.dispose]: () => void closed.push('timer') });
    lifecycle.own('http', { [Symbol.asyncDispose]: async () => void closed.push('http') });
    const report = await lifecycle.close({ timeoutMs: 1_000 });
    expect(closed).toEqual(['http', 'timer', 'store']);
    expect(report).toEqual({ closed: ['http', 'timer', 'store'], failed: [], timedOut: [] });
  });

  test('waits for one before it closes the next', async () => {
    const lifecycle = createLifecycle({ clock: createManualClock(), log: silentLog });
    const order: string[] = [];
    lifecycle.own('store', { close: () => order.push('store') });
    lifecycle.own('http', {
      async close() {
        order.push('http begins');
        await new Promise((resolve) => {
          setImmediate(resolve);
        });
        order.push('http ends');
      },
    });
    await lifecycle.close({ timeoutMs: 1_000 });
    expect(order).toEqual(['http begins', 'http ends', 'store']);
  });

  test('goes on after one that fails and one that hangs, and reports both', async () => {
    const clock = createManualClock();
    const lifecycle = createLifecycle({ clock, log: silentLog });
    const failure = new Error('no');
    lifecycle.own('store', { close: async () => {} });
    lifecycle.own('broken', {
      close() {
        throw failure;
      },
    });
    lifecycle.own('hung', { close: () => new Promise(() => {}) });
    const closing = lifecycle.close({ timeoutMs: 1_000 });
    await clock.advance(500);
    expect(await closing).toEqual({
      closed: ['store'],
      failed: [{ name: 'broken', error: failure }],
      timedOut: ['hung'],
    });
    expect(clock.pending).toBe(0);
  });

  test('closes once, however often it is asked', async () => {
    const lifecycle = createLifecycle({ clock: createManualClock(), log: silentLog });
    let calls = 0;
    lifecycle.own('store', { close: () => (calls += 1) });
    const [first, second] = await Promise.all([
      lifecycle.close({ timeoutMs: 1_000 }),
      lifecycle.close({ timeoutMs: 5 }),
    ]);
    expect(calls).toBe(1);
    expect(second).toBe(first);
  });

  test('releases and refuses what is started while it closes', async () => {
    const lifecycle = createLifecycle({ clock: createManualClock(), log: silentLog });
    await lifecycle.close({ timeoutMs: 1_000 });
    let released = false;
    const late = { close: () => (released = true) };
    expect(() => lifecycle.own('late', late)).toThrow('stopping');
    expect(released).toBe(true);
  });

  test('runs tasks until it closes, and logs one that fails', async () => {
    let text = '';
    const log = createLog({ level: 'error', destination: { write: (line) => void (text += line) } });
    const lifecycle = createLifecycle({ clock: createManualClock(), log });
    let ended = false;
    lifecycle.run('sweeper', async (signal) => {
      await new Promise((resolve) => {
        signal.addEventListener('abort', resolve);
      });
      ended = true;
    });
    lifecycle.run('failing', async () => {
      throw Object.assign(new Error('lost?'), { code: 'LOST' });
    });
    const report = await lifecycle.close({ timeoutMs: 1_000 });
    expect(ended).toBe(true);
    expect(report.closed).toEqual(['failing', 'sweeper']);
    expect(text).toContain('"code":"LOST"');
  });
});
