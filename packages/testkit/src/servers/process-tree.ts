/** A process and everything it started: PostgreSQL is a process for each connection, and each is a session of its own. */
import { readdirSync, readFileSync } from 'node:fs';

/** The process and its descendants, parents first. Off Linux: the process alone. */
export function processTree(root: number): number[] {
  const found = [root];
  for (const pid of found) {
    for (const thread of entries(`/proc/${pid}/task`)) {
      found.push(...words(`/proc/${pid}/task/${thread}/children`).map(Number));
    }
  }
  return found;
}

/** Sends a signal to each of them that still lives. */
export function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

// A process may end between being seen and being read: then it has no entry and no children.
function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function words(file: string): string[] {
  try {
    return readFileSync(file, 'utf8')
      .split(' ')
      .filter((word) => word !== '');
  } catch {
    return [];
  }
}
