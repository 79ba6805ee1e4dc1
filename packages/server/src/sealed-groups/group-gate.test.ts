import { describe, expect, it } from 'vitest';
import { createGroupGate } from './group-gate.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function createRecorder() {
  const seen: string[] = [];
  const task = (name: string) => async () => {
    seen.push(`${name}+`);
    await turn();
    seen.push(`${name}-`);
  };
  return { seen, task };
}

describe('the gate of a group', () => {
  const wide = { maxPerGroup: 100, maxTotal: 100 };

  it('lets messages run together and commits alone, first come first served', async () => {
    const gate = createGroupGate(wide);
    const { seen, task } = createRecorder();
    await Promise.all([
      gate.shared('g', task('m1')),
      gate.shared('g', task('m2')),
      gate.exclusive('g', task('c1')),
      gate.shared('g', task('m3')),
      gate.exclusive('g', task('c2')),
      gate.exclusive('g', task('c3')),
    ]);
    expect(seen).toEqual('m1+ m2+ m1- m2- c1+ c1- m3+ m3- c2+ c2- c3+ c3-'.split(' '));
  });

  it('lets other groups go on meanwhile', async () => {
    const gate = createGroupGate(wide);
    let release: () => void = () => undefined;
    const blocked = gate.exclusive('g', () => new Promise<void>((resolve) => (release = resolve)));
    expect(await gate.exclusive('h', () => Promise.resolve('done'))).toBe('done');
    release();
    await blocked;
  });

  it('goes on after a task that failed, and forgets the group when nothing waits', async () => {
    const gate = createGroupGate(wide);
    const failing = gate.exclusive('g', () => Promise.reject(new Error('no')));
    const following = gate.shared('g', () => Promise.resolve('yes'));
    await expect(failing).rejects.toThrow('no');
    expect(await following).toBe('yes');
    await turn();
    expect(gate.depth).toBe(0);
  });

  it('refuses what exceeds its bounds, per group and in all', async () => {
    const gate = createGroupGate({ maxPerGroup: 1, maxTotal: 2 });
    const first = gate.shared('g', turn);
    expect(gate.exclusive('g', turn)).toBeUndefined();
    const second = gate.exclusive('h', turn);
    expect(gate.shared('i', turn)).toBeUndefined();
    await Promise.all([first, second]);
    await turn();
    const third = gate.shared('g', turn);
    expect(third).toBeDefined();
    await third;
  });
});
