/** A chat as a process of its own, driven over pipes as a script would: lines in, lines out, an exit code at the end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const chatProgram = fileURLToPath(new URL('../src/main.ts', import.meta.url));
export const nodeFlags = ['--disable-warning=ExperimentalWarning'];

const patienceMs = 30_000;

export interface ChatProcess extends AsyncDisposable {
  readonly output: string;
  type(line: string): void;
  /** Resolves with the first match after what earlier calls have matched. Rejects when the process ends without it. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  /** Ends its input and resolves with the exit code. */
  end(): Promise<number | null>;
  /** Resolves when it ended by itself. */
  ended(): Promise<number | null>;
  signal(signal: NodeJS.Signals): void;
}

export function startChat(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChatProcess {
  const child = spawn(process.execPath, [...nodeFlags, chatProgram, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let output = '';
  let matchedTo = 0;
  let isOver = false;
  let wake = Promise.withResolvers<void>();
  const grow = (chunk: Buffer): void => {
    output += chunk.toString('utf8');
    wake.resolve();
    wake = Promise.withResolvers();
  };
  child.stdout.on('data', grow);
  child.stderr.on('data', grow);
  // Its input may close before a test is done with writing.
  child.stdin.on('error', () => undefined);
  const over = once(child, 'close');
  child.once('close', () => {
    isOver = true;
    wake.resolve();
  });

  /** So that a test which hangs says what it has seen. */
  const patience = async (pattern: RegExp): Promise<void> => {
    await delay(patienceMs, undefined, { ref: false });
    if (!isOver && !pattern.test(output.slice(matchedTo)))
      throw new Error(
        `the chat does not print ${pattern} after ${output.slice(0, matchedTo)}>>>${output.slice(matchedTo)}`,
      );
  };

  return {
    get output() {
      return output;
    },
    type(line) {
      child.stdin.write(`${line}\n`);
    },
    async until(pattern) {
      for (;;) {
        const grown = wake.promise;
        const match = pattern.exec(output.slice(matchedTo));
        if (match !== null) {
          matchedTo += match.index + match[0].length;
          return match;
        }
        if (isOver) throw new Error(`the chat ended without ${pattern}:\n${output}`);
        await Promise.race([grown, patience(pattern)]);
      }
    },
    async end() {
      child.stdin.end();
      await over;
      return child.exitCode;
    },
    async ended() {
      await over;
      return child.exitCode;
    },
    signal(signal) {
      child.kill(signal);
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await over;
    },
  };
}
