/** `conclave cluster down`: stops everything in order and waits for it; with `--drop-data` the folder goes too. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readState } from './cluster-state.ts';
import { isStillRunning } from './process-identity.ts';

const waitMs = 60_000;

export async function down(folder: string, dropData: boolean): Promise<number> {
  const state = await readState(folder);
  if (state === undefined) {
    process.stdout.write(`No cluster runs in ${folder}.\n`);
  } else {
    const { supervisor } = state;
    process.kill(supervisor.pid, 'SIGTERM');
    const deadline = performance.now() + waitMs;
    while (isStillRunning(supervisor)) {
      if (performance.now() > deadline) {
        // The kernel kills everything that it started.
        process.kill(supervisor.pid, 'SIGKILL');
        process.stderr.write('conclave cluster: it did not stop in time and was killed\n');
        break;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    process.stdout.write('Everything has stopped.\n');
  }
  if (!dropData) return 0;
  // Nothing is removed that is not known to be a cluster's folder.
  if (!existsSync(join(folder, 'ports.json'))) {
    if (existsSync(folder))
      process.stderr.write(`conclave cluster: ${folder} holds no cluster's data; it stays\n`);
    return existsSync(folder) ? 1 : 0;
  }
  await rm(folder, { recursive: true, maxRetries: 5 });
  process.stdout.write(`Its data has been removed: ${folder}\n`);
  return 0;
}
