/**
 * deploy/ as it is handed out, run by its own scripts in a copy of this checkout, under a project name and on ports of its own. Images come from where
 * the engine gets them: a registry, or scripts/stand-in-images.sh.
 */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findFreePort } from '@conclave/testkit/servers';

const run = promisify(execFile);
const checkout = fileURLToPath(new URL('../..', import.meta.url));
const maxBuffer = 2 ** 26;
/** Of the image that is built: nobody's own one is replaced. */
const version = 'test';

export interface ComposeInstallation extends AsyncDisposable {
  /** deploy/ of the copy. */
  readonly folder: string;
  readonly project: string;
  readonly url: string;
  readonly gatewayUrl: string;
  readonly centrifugoAdminUrl: string;
  /** deploy/start.sh; what it printed. Rejects if it fails. */
  start(...flags: readonly string[]): Promise<string>;
  /** deploy/stop.sh; what it printed. */
  stop(...flags: readonly string[]): Promise<string>;
  /** `docker compose` on this installation; what it printed. */
  compose(...words: readonly string[]): Promise<string>;
  /** Names of the containers of a service that run, or of all. */
  listContainers(service?: string): Promise<string[]>;
  /** Resolves when the container's health check says so. */
  untilHealthy(container: string): Promise<void>;
}

/** What is missing for it, in words. */
export function missingContainerEngine(): string | undefined {
  try {
    execFileSync('docker', ['compose', 'version'], { stdio: 'ignore' });
    execFileSync('docker', ['info'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'Docker that runs, with its plugin compose';
  }
}

/** `docker` with these words; what it printed. */
export async function docker(...words: readonly string[]): Promise<string> {
  const { stdout } = await run('docker', words, { maxBuffer });
  return stdout;
}

/** A copy of deploy/ and all that its image is built from. Nothing runs yet; disposing of it removes everything, the image too. */
export async function prepareComposeInstallation(): Promise<ComposeInstallation> {
  const copy = await mkdtemp(join(tmpdir(), 'conclave-compose-'));
  await run(
    'sh',
    ['-c', 'git ls-files -z -co --exclude-standard | tar -c --null -T - | tar -x -C "$1"', 'sh', copy],
    {
      cwd: checkout,
    },
  );
  const folder = join(copy, 'deploy');
  const project = `conclave-test-${process.pid}`;
  const [port, gatewayPort, adminPort, natsPort] = await Promise.all([
    findFreePort(),
    findFreePort(),
    findFreePort(),
    findFreePort(),
  ]);
  const url = `http://localhost:${port}`;
  const gatewayUrl = `http://localhost:${gatewayPort}`;
  const env = {
    ...process.env,
    COMPOSE_PROJECT_NAME: project,
    CONCLAVE_VERSION: version,
    CONCLAVE_PORT: `${port}`,
    CENTRIFUGO_PORT: `${gatewayPort}`,
    CENTRIFUGO_ADMIN_PORT: `${adminPort}`,
    NATS_MONITORING_PORT: `${natsPort}`,
  };
  const script = async (program: string, words: readonly string[]): Promise<string> => {
    const { stdout } = await run(program, words, { cwd: folder, env, maxBuffer });
    return stdout;
  };
  const compose = async (...words: readonly string[]): Promise<string> =>
    await script('docker', ['compose', ...words]);

  return {
    folder,
    project,
    url,
    gatewayUrl,
    centrifugoAdminUrl: `http://localhost:${adminPort}`,
    start: (...flags) =>
      script('bash', ['start.sh', '--server-name', 'conclave.test', '--public-url', url, ...flags]),
    stop: (...flags) => script('bash', ['stop.sh', ...flags]),
    compose,
    async listContainers(service) {
      const wanted = [`project=${project}`, ...(service === undefined ? [] : [`service=${service}`])];
      const filters = wanted.flatMap((label) => ['--filter', `label=com.docker.compose.${label}`]);
      const names = await docker('ps', ...filters, '--format', '{{.Names}}');
      return names
        .split('\n')
        .filter((name) => name !== '')
        .sort();
    },
    async untilHealthy(container) {
      for (;;) {
        const health = await docker('inspect', '--format', '{{.State.Health.Status}}', container);
        if (health.trim() === 'healthy') return;
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    },
    async [Symbol.asyncDispose]() {
      await script('bash', ['stop.sh', '--drop-volumes']);
      await docker('image', 'rm', '--force', `conclave:${version}`);
      await rm(copy, { recursive: true, force: true });
    },
  };
}
