/** `conclave cluster status`: asks every process and every engine whether it answers. */
import { renderTable } from './access-points.ts';
import { readState } from './cluster-state.ts';
import { probePart } from './probe.ts';

/** Ends with 0 when everything is well, with 1 when something is not, with 3 when nothing runs. */
export async function status(folder: string, json: boolean): Promise<number> {
  const state = await readState(folder);
  if (state === undefined) {
    process.stdout.write(
      json ? `${JSON.stringify({ phase: 'stopped' })}\n` : `No cluster runs in ${folder}.\n`,
    );
    return 3;
  }
  const parts = await Promise.all(
    state.parts.map(async ({ probeUrl, ...part }) => ({
      ...part,
      status: await probePart({ pid: part.pid, probeUrl }),
    })),
  );
  if (json) {
    process.stdout.write(`${JSON.stringify({ phase: state.phase, gateway: state.gateway, parts })}\n`);
  } else {
    const rows = parts.map(({ name, status, pid, restarts, url }) => [
      name,
      status,
      String(pid),
      String(restarts),
      url,
    ]);
    process.stdout.write(
      `  ${state.phase}\n\n${renderTable(['Part', 'Status', 'Process', 'Restarts', 'URL'], rows)}`,
    );
  }
  return parts.every((part) => part.status === 'ready') ? 0 : 1;
}
