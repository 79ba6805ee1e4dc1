/** Spawns a program that never outlives this process: on Linux the kernel kills it, elsewhere an exit handler does. */
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import type { Readable } from 'node:stream';
import { findProgram } from './find-program.ts';
import type { SystemUser } from './system-user.ts';

export interface SpawnOptions {
  readonly folder?: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly runAs?: SystemUser | undefined;
}

/** Its process id is that of the program itself. Standard output and error are piped. */
export function spawnBound(
  program: string,
  args: readonly string[],
  { folder, environment, runAs }: SpawnOptions,
): ChildProcessByStdio<null, Readable, Readable> {
  const common = {
    ...(folder === undefined ? {} : { cwd: folder }),
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'],
  };
  const binder = findProgram('setpriv');
  if (binder === undefined) {
    const child = spawn(program, args, { ...common, ...runAs });
    const kill = (): void => void child.kill('SIGKILL');
    process.once('exit', kill);
    child.once('exit', () => process.off('exit', kill));
    return child;
  }
  const user = runAs === undefined ? [] : [`--reuid=${runAs.uid}`, `--regid=${runAs.gid}`, '--clear-groups'];
  return spawn(binder, [...user, '--pdeathsig=KILL', program, ...args], common);
}
