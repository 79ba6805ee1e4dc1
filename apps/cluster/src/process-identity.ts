/** Which process a process id meant: the system gives the number to another one later, but never with the same start. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in the system's own words, and in which run of the system. */
  readonly start: string;
}

/** Undefined when there is no such process, or only what is left of one that ended. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const start = process.platform === 'linux' ? startOnLinux(pid) : startElsewhere(pid);
  return start === undefined ? undefined : { pid, start };
}

export function isStillRunning({ pid, start }: ProcessIdentity): boolean {
  return identityOf(pid)?.start === start;
}

/** The 22nd field of `stat`, in clock ticks since boot; the second one is a name in brackets and may hold anything. */
function startOnLinux(pid: number): string | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  const [state, ...fields] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  if (state === 'Z' || state === 'X') return undefined;
  return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${fields[18]}`;
}

function startElsewhere(pid: number): string | undefined {
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined;
  } catch {
    return undefined; // ps ends with 1 when there is no such process
  }
}
