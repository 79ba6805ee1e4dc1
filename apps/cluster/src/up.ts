/** `conclave cluster up`: starts the supervisor in the background and waits until it says that everything runs. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { missingCluster } from '@conclave/testkit/cluster';
import { renderTable } from './access-points.ts';
import { readState, removeState, type ClusterState } from './cluster-state.ts';
import type { SuperviseOptions } from './supervise.ts';

const waitMs = 180_000;

export async function up(options: SuperviseOptions): Promise<number> {
  const { folder } = options;
  const running = await readState(folder);
  if (running !== undefined) {
    process.stdout.write(
      `A cluster runs in ${folder} already.\n\n${renderState({ ...running, firstAccountToken: null })}`,
    );
    return 0;
  }
  const missing = missingCluster(options.gateway);
  if (missing !== undefined) {
    process.stderr.write(
      `conclave cluster: missing: ${missing}\n  Remedy: bash scripts/ensure-servers.sh --install\n`,
    );
    return 1;
  }
  await mkdir(folder, { recursive: true });
  await removeState(folder);
  const log = join(folder, 'supervisor.log');
  const state = await startSupervisor(options, log);
  if (state === undefined) {
    const said = (await readFile(log, 'utf8')).split('\n').slice(-40).join('\n');
    process.stderr.write(`conclave cluster: it did not start. From ${log}:\n${said}\n`);
    return 1;
  }
  process.stdout.write(renderState(state));
  return 0;
}

/** Resolves with the state once everything runs, and with undefined when it ended or took too long. */
async function startSupervisor(options: SuperviseOptions, log: string): Promise<ClusterState | undefined> {
  const output = await open(log, 'a', 0o600);
  const supervisor = spawn(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      fileURLToPath(new URL('./main.ts', import.meta.url)),
      'supervise',
      `--folder=${options.folder}`,
      `--processes=${options.processes}`,
      `--gateway=${options.gateway}`,
      `--server-name=${options.serverName}`,
    ],
    { detached: true, stdio: ['ignore', output.fd, output.fd] },
  );
  // Rejects if there is no Node to spawn any more.
  await once(supervisor, 'spawn');
  await output.close();
  supervisor.unref();
  const hasEnded = (): boolean => supervisor.exitCode !== null || supervisor.signalCode !== null;
  const deadline = performance.now() + waitMs;
  while (!hasEnded() && performance.now() < deadline) {
    const state = await readState(options.folder);
    if (state?.phase === 'running') return state;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  supervisor.kill('SIGTERM');
  return undefined;
}

function renderState(state: ClusterState): string {
  const rows = state.accessPoints.map(({ service, url, purpose }) => [service, url, purpose]);
  const token =
    state.firstAccountToken === null
      ? ''
      : `\n  Registration token for the first account (works once): ${state.firstAccountToken}\n`;
  return `${renderTable(['Service', 'URL', 'Purpose'], rows)}${token}
  What runs:  ./conclave cluster status
  Stop it:    ./conclave cluster down [--drop-data]
`;
}
