/** A client process as the director sees it: every call is a message to `client-main.ts` and back. */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { openSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ClientCall, ClientCalls } from './client-main.ts';

export class ClientProcess implements AsyncDisposable {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #nextId = 1;
  #ending = '';

  private constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.#child = child;
    child.on('message', ({ id, value, error }: { id: number; value?: unknown; error?: string }) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(value);
      else waiting?.reject(new Error(error));
    });
    child.on('exit', (code, signal) => {
      this.#ending = `client ${name} ended (${signal ?? code})`;
      for (const waiting of this.#waiting.values()) waiting.reject(new Error(this.#ending));
      this.#waiting.clear();
    });
  }

  /** What it prints goes to a file beside its history. */
  static async start(name: string, options: { server: string; folder: string }): Promise<ClientProcess> {
    const output = openSync(join(options.folder, `${name}.output.log`), 'a', 0o600);
    const child = fork(fileURLToPath(new URL('./client-main.ts', import.meta.url)), {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', output, output, 'ipc'],
    });
    closeSync(output);
    const client = new ClientProcess(name, child);
    await client.call('start', { ...options, client: name });
    return client;
  }

  call<Name extends keyof ClientCalls>(
    name: Name,
    argument: ClientCalls[Name]['takes'],
  ): Promise<ClientCalls[Name]['gives']> {
    if (!this.#child.connected) return Promise.reject(new Error(this.#ending));
    const id = this.#nextId++;
    const answer = Promise.withResolvers<unknown>();
    this.#waiting.set(id, answer);
    this.#child.send({ id, name, argument } satisfies ClientCall);
    return answer.promise as Promise<ClientCalls[Name]['gives']>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }
}
