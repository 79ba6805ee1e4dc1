/** An honest person as the run sees it: every call is a message to the process of `honest-main.ts` and back. */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { HonestCall, HonestCalls, View } from './honest-main.ts';

/** How long honest clients may take for anything, on a machine that is under attack. */
export const patienceMs = 30_000;

export class HonestProcess implements AsyncDisposable {
  readonly name: string;
  readonly #child: ChildProcess;
  #nextId = 1;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();

  private constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.#child = child;
    child.on('message', ({ id, value, error }: { id: number; value?: unknown; error?: string }) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(value);
      else waiting?.reject(new Error(`${name}: ${error}`));
    });
    child.on('exit', (code, signal) => {
      for (const waiting of this.#waiting.values()) {
        waiting.reject(new Error(`${name} ended (${signal ?? code})`));
      }
      this.#waiting.clear();
    });
  }

  static async start(options: {
    readonly name: string;
    readonly folder: string;
    readonly server: string;
    /** Its SDK lacks all by which it would notice a lying server: see `blindfold.ts`. */
    readonly isBlindfolded?: boolean;
  }): Promise<HonestProcess> {
    const { name, folder, server, isBlindfolded = false } = options;
    await mkdir(folder, { recursive: true });
    const blindfold = new URL('./blindfold.ts', import.meta.url).href;
    const child = fork(fileURLToPath(new URL('./honest-main.ts', import.meta.url)), {
      execArgv: ['--disable-warning=ExperimentalWarning', ...(isBlindfolded ? ['--import', blindfold] : [])],
    });
    const honest = new HonestProcess(name, child);
    await honest.call('open', { name, folder, server });
    return honest;
  }

  call<Name extends keyof HonestCalls>(
    name: Name,
    argument: HonestCalls[Name]['takes'],
  ): Promise<HonestCalls[Name]['gives']> {
    if (!this.isRunning) throw new Error(`${this.name} is not running`);
    const id = this.#nextId++;
    const answer = Promise.withResolvers<unknown>();
    this.#waiting.set(id, answer);
    this.#child.send({ id, name, argument } satisfies HonestCall);
    return answer.promise as Promise<HonestCalls[Name]['gives']>;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  view(group: string): Promise<View> {
    return this.call('view', group);
  }

  /** Stops the client in order; the process goes with it. */
  async close(): Promise<void> {
    if (!this.isRunning) return;
    const gone = once(this.#child, 'exit');
    await this.call('close', undefined);
    this.#child.disconnect();
    await gone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.isRunning) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }
}
