import { expect, test } from 'vitest';
import { AttemptGate } from './attempt-gate.ts';

/** What has entered so far, in order. */
function record(gate: AttemptGate) {
  const entered: string[] = [];
  const turns = new Map<string, Disposable>();
  const enter = async (name: string, exclusive = false): Promise<void> => {
    const turn = await gate.enter(exclusive);
    entered.push(name);
    turns.set(name, turn);
  };
  const leave = async (name: string): Promise<void> => {
    turns.get(name)![Symbol.dispose]();
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  };
  return { entered, enter, leave };
}

test('an attempt that runs alone waits for those that run, and those that come later for it', async () => {
  const { entered, enter, leave } = record(new AttemptGate());
  await enter('a');
  await enter('b');
  void enter('alone', true);
  void enter('c');
  void enter('d');
  await leave('a');
  expect(entered).toEqual(['a', 'b']);
  await leave('b');
  expect(entered).toEqual(['a', 'b', 'alone']);
  await leave('alone');
  expect(entered).toEqual(['a', 'b', 'alone', 'c', 'd']);
});

test('those that run alone come one after the other', async () => {
  const { entered, enter, leave } = record(new AttemptGate());
  await enter('first', true);
  void enter('second', true);
  void enter('third', true);
  await leave('first');
  expect(entered).toEqual(['first', 'second']);
  await leave('second');
  expect(entered).toEqual(['first', 'second', 'third']);
  await leave('third');
  await enter('shared');
  expect(entered).toHaveLength(4);
});
