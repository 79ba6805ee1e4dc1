/** `conclave cluster status`: asks every process whether it is ready, and looks whether every engine runs. */
import { renderTable } from './access-points.ts';
import { readState, type ClusterPart } from './cluster-state.ts';
import { identityOf } from './process-identity.ts';

/** Ends with 0 when everything is well, with 1 when something is not, with 3 when nothing runs. */
export async function status(folder: string, json: boolean): Promise<number> {
  const state = await readState(folder);
  if (state === undefined) {
    process.stdout.write(
      json ? `${JSON.stringify({ phase: 'stopped' })}\n` : `No cluster runs in ${folder}.\n`,
    );
    return 3;
  }
  const parts = [
    ...(await Promise.all(state.processes.map(async (part) => ({ ...part, status: await askReady(part) })))),
    ...state.engines.map((part) => ({
      ...part,
      status: identityOf(part.pid) === undefined ? 'not running' : 'running',
    })),
  ];
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
  return parts.every((part) => part.status === 'ready' || part.status === 'running') ? 0 : 1;
}

async function askReady(part: ClusterPart): Promise<string> {
  try {
    const answer = await fetch(`${part.url}/ready`, { signal: AbortSignal.timeout(3_000) });
    return answer.ok ? 'ready' : 'not ready';
  } catch {
    return 'no answer';
  }
}
