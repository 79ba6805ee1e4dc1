import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { identityOf, isStillRunning } from './process-identity.ts';

describe('the identity of a process', () => {
  it('is the same for as long as it runs, and of no process after', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    const identity = identityOf(child.pid!)!;
    expect(identityOf(child.pid!)).toEqual(identity);
    expect(isStillRunning(identity)).toBe(true);
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    expect(isStillRunning(identity)).toBe(false);
    expect(identityOf(child.pid!)).toBe(undefined);
  });

  it('differs for another process of the same number', () => {
    const mine = identityOf(process.pid)!;
    expect(isStillRunning({ ...mine, start: `${mine.start}0` })).toBe(false);
  });
});
