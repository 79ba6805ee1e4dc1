/** A member as a process of its own, as the play's director sees it: every call is a message to `member-main.ts` and back. */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { HeardMessage, MemberCall, MemberCalls } from './member-main.ts';

export class MemberProcess {
  readonly name: string;
  readonly folder: string;
  readonly #server: string;
  #child: ChildProcess | undefined;
  #nextId = 1;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();

  constructor(options: { readonly name: string; readonly folder: string; readonly server: string }) {
    this.name = options.name;
    this.folder = options.folder;
    this.#server = options.server;
  }

  /** Starts the process, for the first time or again with what it has on disk. */
  async start(): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    const child = fork(fileURLToPath(new URL('./member-main.ts', import.meta.url)), {
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    this.#child = child;
    child.on('message', ({ id, value, error }: { id: number; value?: unknown; error?: string }) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(value);
      else waiting?.reject(new Error(`${this.name}: ${error}`));
    });
    child.on('exit', (code, signal) => {
      for (const waiting of this.#waiting.values()) {
        waiting.reject(new Error(`${this.name} ended (${signal ?? code})`));
      }
      this.#waiting.clear();
    });
    await this.call('open', { server: this.#server, folder: this.folder, name: this.name });
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** SIGKILL: what it had not saved is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || !this.isRunning) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  call<Name extends keyof MemberCalls>(
    name: Name,
    argument: MemberCalls[Name]['takes'],
  ): Promise<MemberCalls[Name]['gives']> {
    const child = this.#child;
    if (child === undefined) throw new Error(`${this.name} was not started`);
    const id = this.#nextId++;
    const answer = Promise.withResolvers<unknown>();
    this.#waiting.set(id, answer);
    child.send({ id, name, argument } satisfies MemberCall);
    return answer.promise as Promise<MemberCalls[Name]['gives']>;
  }

  heard(): Promise<HeardMessage[]> {
    return this.call('history', undefined);
  }
}
