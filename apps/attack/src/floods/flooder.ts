/** A flooder as the run sees it: a process that takes an order and comes back with what was answered. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { FloodOrder, FloodResult } from './flood-main.ts';

export async function sendFlood(order: FloodOrder): Promise<FloodResult> {
  const child = fork(fileURLToPath(new URL('./flood-main.ts', import.meta.url)), {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  try {
    const answered = once(child, 'message');
    const ended = once(child, 'exit').then(([code, signal]: unknown[]) => {
      throw new Error(`the flooder ended (${String(signal ?? code)})`);
    });
    child.send(order);
    const [result] = (await Promise.race([answered, ended])) as [FloodResult];
    ended.catch(() => undefined);
    return result;
  } finally {
    child.kill('SIGKILL');
  }
}
