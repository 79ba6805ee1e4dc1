/**
 * The real server as a process of its own, on free ports and in a folder of its own, for whatever has to see it die:
 * `conclave demo`, the benches, the end-to-end tests, test clusters. It is known to be ours by what it prints and by its
 * process, never by a port that somebody else may hold. It dies with the process that started it.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { processTree, signalAll } from './servers/process-tree.ts';
import { spawnBound } from './servers/spawn-bound.ts';

/**
 * How a server is started everywhere: here, by the launcher and in the image. Node lets the young generation grow to 64 MiB a
 * half, and clearing up after that many requests stops the event loop for some 10 ms on two cores; with 16 MiB it is 3 ms,
 * more often, for a fiftieth of the loop's time (docs/performance.md). V8 gets as many threads beside it as there are other cores, where
 * Node gives it four: on two cores those kept each other and the loop waiting.
 */
export const serverNodeFlags = [
  '--disable-warning=ExperimentalWarning',
  '--max-semi-space-size=16',
  '--v8-pool-size=0',
] as const;

const serverProgram = fileURLToPath(new URL('../../../apps/server/src/main.ts', import.meta.url));

export interface ServerProcessOptions {
  readonly dataDirectory: string;
  /** What to run instead of the server's own program: for tests of another version of it. */
  readonly program?: string;
  /** Settings as flags: `{ 'listen.port': '0' }`. Limits by address are far out of the way unless set here. */
  readonly flags?: Readonly<Record<string, string>>;
  /** A configuration file. Flags go before what it says. */
  readonly configFile?: string;
  /** The ports to listen on. By default the system chooses them at the first start. */
  readonly ports?: { readonly listen: number; readonly admin: number };
  /** Leaves the limits by address as a server has them. */
  readonly usualLimits?: boolean;
  /** How long to wait for the server to listen. */
  readonly startTimeoutMs?: number;
  /** For Node itself, such as `--cpu-prof`. */
  readonly nodeArguments?: readonly string[];
  /** Beside that of this process. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface ServerProcess extends AsyncDisposable {
  /** The same after a restart. */
  readonly url: string;
  readonly adminUrl: string;
  readonly pid: number;
  /** False once it has ended, for whatever reason. */
  readonly isRunning: boolean;
  /** Everything it printed, over all restarts: what a check for leaks reads. */
  readonly output: string;
  /** The registration token of the first account, when the server printed one. */
  readonly firstAccountToken: string | undefined;
  /** SIGKILL: no chance to finish anything. Resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): void;
  resume(): void;
  /** SIGTERM, and SIGKILL if it has not ended within the time. Resolves with the exit code. */
  stop(timeoutMs?: number): Promise<number | null>;
  /** Starts it again on the same ports and folder. */
  restart(): Promise<void>;
}

const wideLimits = Object.fromEntries(
  [
    'request',
    'registration',
    'login',
    'groupCreate',
    'framePost',
    'readProof',
    'groupRead',
    'blobPut',
    'transferCreate',
    'transferRead',
  ].flatMap((name) => [
    [`rateLimits.${name}.burst`, '1000000'],
    [`rateLimits.${name}.perMinute`, '1000000'],
  ]),
);

export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  let output = '';
  let ports = { listen: String(options.ports?.listen ?? 0), admin: String(options.ports?.admin ?? 0) };
  let child = await launch();
  const url = `http://127.0.0.1:${ports.listen}`;
  const adminUrl = `http://127.0.0.1:${ports.admin}`;

  async function launch(): Promise<ChildProcess> {
    const flags = {
      dataDirectory: options.dataDirectory,
      serverName: 'conclave.test',
      'listen.host': '127.0.0.1',
      'log.level': 'info',
      ...(options.usualLimits === true ? {} : wideLimits),
      ...options.flags,
      'listen.port': ports.listen,
      'admin.port': ports.admin,
    };
    const args = Object.entries(flags).map(([key, value]) => `--${key}=${value}`);
    if (options.configFile !== undefined) args.unshift(`--config=${options.configFile}`);
    const node = [...serverNodeFlags, ...(options.nodeArguments ?? [])];
    const started = spawnBound(
      process.execPath,
      [...node, options.program ?? serverProgram, 'start', ...args],
      {
        environment: { ...process.env, ...options.environment },
      },
    );
    const from = output.length;
    const listening = Promise.withResolvers<void>();
    const collect = (chunk: Buffer): void => {
      output += chunk.toString('utf8');
      const printed = output.slice(from);
      const main = /Conclave is listening at http:\/\/[^\s:]+:(\d+)/.exec(printed)?.[1];
      const admin = /Metrics and readiness: http:\/\/[^\s:]+:(\d+)\//.exec(printed)?.[1];
      if (main === undefined || admin === undefined) return;
      // With a public URL the first is that of the proxy in front.
      if (options.ports === undefined) ports = { listen: main, admin };
      listening.resolve();
    };
    started.stdout.on('data', collect);
    started.stderr.on('data', collect);
    started.once('exit', (code, signal) => {
      listening.reject(new Error(`the server ended at start (${signal ?? code}):\n${output.slice(from)}`));
    });
    const timer = setTimeout(() => {
      listening.reject(new Error(`the server did not listen in time:\n${output.slice(from)}`));
    }, options.startTimeoutMs ?? 30_000);
    try {
      await listening.promise;
    } catch (error) {
      started.kill('SIGKILL');
      throw error;
    } finally {
      clearTimeout(timer);
    }
    return started;
  }

  const isGone = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const kill = async (): Promise<void> => {
    if (isGone()) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  const signal = (name: NodeJS.Signals): void => {
    if (!isGone()) signalAll(processTree(child.pid ?? 0), name);
  };

  return {
    url,
    adminUrl,
    get pid() {
      return child.pid ?? 0;
    },
    get isRunning() {
      return !isGone();
    },
    get output() {
      return output;
    },
    get firstAccountToken() {
      return /first account \(works once\): (\S+)/.exec(output)?.[1];
    },
    kill,
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    async stop(timeoutMs = 20_000) {
      if (isGone()) return child.exitCode;
      signal('SIGCONT'); // a paused process cannot end in order
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
      await gone;
      clearTimeout(timer);
      return child.exitCode;
    },
    async restart() {
      await kill();
      child = await launch();
    },
    async [Symbol.asyncDispose]() {
      await kill();
    },
  };
}
