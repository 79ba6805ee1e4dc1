/**
 * A real server (PostgreSQL, NATS, Redis, …) as a process of its own, for whatever has to see it die, hang and come back.
 *
 * ```
 *   startRealServer ─▶ spawn ─▶ probe until it answers ─▶ RealServer
 *                                                          kill      SIGKILL, with everything it started
 *                                                          pause     SIGSTOP: it holds its sockets and says nothing
 *                                                          restart   the same program, arguments, port and data
 * ```
 *
 * A server never outlives the process that started it: on Linux the kernel kills it (`setpriv --pdeathsig`). Each
 * engine's launcher (`postgres.ts`, `nats.ts`, …) gives the arguments and a probe which proves that the server that
 * answers is the one started here, by a secret that only this one knows.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { findProgram } from './find-program.ts';
import { processTree, signalAll } from './process-tree.ts';
import { spawnBound } from './spawn-bound.ts';
import type { SystemUser } from './system-user.ts';

const maxOutputLength = 256 * 1024;

export interface RealServer extends AsyncDisposable {
  readonly name: string;
  /** Of the process that runs now; another one after a restart. */
  readonly pid: number;
  /** The last 256 KiB that it printed, over all restarts. */
  readonly output: string;
  /** SIGKILL to it and everything it started. Resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGSTOP to it and everything it started: connections stay open and nothing answers. */
  pause(): void;
  resume(): void;
  /** Kills it if it runs, and starts it again on the same port and data. Resolves when it answers. */
  restart(): Promise<void>;
  /** Asks it to end in order, and kills it when it has not within the time (10 s by default). */
  stop(timeoutMs?: number): Promise<void>;
}

/** What every launcher takes. */
export interface LauncherOptions {
  /** Keeps data and secrets here, and goes on with what an earlier start left. Otherwise in a temporary folder. */
  readonly folder?: string | undefined;
  /** The TCP port on 127.0.0.1. Otherwise a free one. */
  readonly port?: number | undefined;
}

export interface RealServerOptions {
  readonly name: string;
  /** The program's name (see `findProgram`) or its path. */
  readonly program: string;
  /** Everybody on the machine can read them: no secrets. */
  readonly arguments: readonly string[];
  /** The working directory. */
  readonly folder: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** For programs that refuse to run as root. */
  readonly runAs?: SystemUser | undefined;
  /** Resolves when the server answers and is known to be this one; rejects to be asked again. Each try has two seconds. */
  readonly probe: (signal: AbortSignal) => Promise<unknown>;
  readonly startTimeoutMs?: number;
  /** How often it is started, half a second apart, when it ends at once: what a crash left may have to go first. 1 by default. */
  readonly startTries?: number;
  /** What makes it end in order. SIGTERM by default. */
  readonly stopSignal?: NodeJS.Signals;
  /** Runs after the process has ended for good: removes the folder. */
  readonly dispose?: () => Promise<void>;
}

export async function startRealServer(options: RealServerOptions): Promise<RealServer> {
  let output = '';
  const collect = (chunk: Buffer): void => {
    output = (output + chunk.toString('utf8')).slice(-maxOutputLength);
  };
  let child: ChildProcess;
  try {
    child = await launch(options, collect, () => output);
  } catch (error) {
    await options.dispose?.();
    throw error;
  }
  const isGone = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const pid = (): number => child.pid ?? 0;
  const signalTree = (signal: NodeJS.Signals): void => {
    if (!isGone()) signalAll(processTree(pid()), signal);
  };
  const server: RealServer = {
    name: options.name,
    get pid() {
      return pid();
    },
    get output() {
      return output;
    },
    kill: () => killTree(child),
    pause: () => signalTree('SIGSTOP'),
    resume: () => signalTree('SIGCONT'),
    async restart() {
      await killTree(child);
      child = await launch(options, collect, () => output);
    },
    async stop(timeoutMs = 10_000) {
      if (isGone()) return;
      signalTree('SIGCONT'); // a paused process cannot end in order
      const gone = once(child, 'exit', { signal: AbortSignal.timeout(timeoutMs) });
      child.kill(options.stopSignal ?? 'SIGTERM');
      try {
        await gone;
      } catch {
        await killTree(child);
      }
    },
    async [Symbol.asyncDispose]() {
      await server.stop();
      await options.dispose?.();
    },
  };
  return server;
}

async function launch(
  options: RealServerOptions,
  collect: (chunk: Buffer) => void,
  output: () => string,
): Promise<ChildProcess> {
  for (let tries = options.startTries ?? 1; ; tries--) {
    try {
      return await launchOnce(options, collect, output);
    } catch (error) {
      if (tries <= 1 || !(error instanceof EndedAtStart)) throw error;
      await delay(500);
    }
  }
}

class EndedAtStart extends Error {}

async function launchOnce(
  options: RealServerOptions,
  collect: (chunk: Buffer) => void,
  output: () => string,
): Promise<ChildProcess> {
  const program = options.program.includes('/') ? options.program : findProgram(options.program);
  if (program === undefined)
    throw new Error(`${options.program} is not installed: see scripts/ensure-servers.sh`);
  const child = spawnBound(program, options.arguments, {
    folder: options.folder,
    runAs: options.runAs,
    environment: {
      PATH: process.env['PATH'] ?? '',
      HOME: options.folder,
      LANG: 'C.UTF-8',
      ...options.environment,
    },
  });
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  const ended = Promise.withResolvers<never>();
  const onError = (error: Error): void => ended.reject(error);
  const onExit = (code: number | null, signal: NodeJS.Signals | null): void => {
    ended.reject(
      new EndedAtStart(`${options.name} ended at start (${signal ?? code}):\n${output().slice(-4_096)}`),
    );
  };
  child.once('error', onError).once('exit', onExit);
  try {
    await Promise.race([waitForAnswer(options, child), ended.promise]);
  } catch (error) {
    await killTree(child);
    throw error;
  } finally {
    child.off('exit', onExit);
  }
  return child;
}

async function waitForAnswer(options: RealServerOptions, child: ChildProcess): Promise<void> {
  const deadline = AbortSignal.timeout(options.startTimeoutMs ?? 30_000);
  let last: unknown;
  while (child.exitCode === null && child.signalCode === null) {
    if (deadline.aborted) throw new Error(`${options.name} did not answer in time`, { cause: last });
    try {
      await options.probe(AbortSignal.any([deadline, AbortSignal.timeout(2_000)]));
      return;
    } catch (error) {
      last = error;
      await delay(50);
    }
  }
}

async function killTree(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  signalAll(processTree(child.pid), 'SIGKILL');
  await gone;
}
