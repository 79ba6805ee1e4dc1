/**
 * The screen: a prompt that stays at the bottom while lines from the network appear above it, and questions that can hide
 * what is typed. On a pipe (no TTY) it prints plain lines and reads commands line by line, so that scripts can drive it.
 *
 *   12:01 Ada: hello          ← print(), at any moment
 *   12:02 Bo: hi
 *   friends> what I am typ|   ← readline, redrawn after every print
 */
import { createInterface, clearLine, cursorTo, moveCursor } from 'node:readline';
import type { Interface } from 'node:readline';
import { Writable } from 'node:stream';
import type { Readable } from 'node:stream';

export interface Terminal {
  readonly interactive: boolean;
  /** Columns of the screen; 80 on a pipe. */
  readonly columns: number;
  /** Writes whole lines above the prompt. The text must already be safe to print. */
  print(text: string): void;
  setPrompt(prompt: string): void;
  /** Asks one question and returns the line typed; `secret` input is not echoed. Undefined when the input has ended. */
  ask(question: string, options?: { secret?: boolean }): Promise<string | undefined>;
  /** Lines typed by the person, one at a time: the next is read only after the previous was dealt with. Ends with the input. */
  lines(): AsyncIterable<string>;
  close(): void;
}

export interface TerminalDeps {
  readonly input: Readable & { isTTY?: boolean };
  readonly output: Writable & { isTTY?: boolean; columns?: number };
  /** Completions of a partial line, as readline wants them. */
  readonly complete?: (line: string) => [string[], string];
  /** Called on Ctrl-C at the prompt. */
  readonly onInterrupt?: () => void;
}

export function createTerminal(deps: TerminalDeps): Terminal {
  const { input, output } = deps;
  const interactive = input.isTTY === true && output.isTTY === true;
  let prompt = '';
  let muted = false;
  let closed = false;
  const waiting: ((line: string | undefined) => void)[] = [];
  const typed: string[] = [];

  const readline: Interface = createInterface({
    input,
    ...(interactive && { output: createEcho(output, () => muted) }),
    terminal: interactive,
    historySize: 200,
    removeHistoryDuplicates: true,
    ...(deps.complete && { completer: deps.complete }),
  });

  readline.on('line', (line) => {
    const next = waiting.shift();
    if (next) next(line);
    else typed.push(line);
  });
  readline.on('close', () => {
    closed = true;
    for (const next of waiting.splice(0)) next(undefined);
  });
  readline.on('SIGINT', () => deps.onInterrupt?.());

  const nextLine = (): Promise<string | undefined> => {
    const line = typed.shift();
    if (line !== undefined) return Promise.resolve(line);
    if (closed) return Promise.resolve(undefined);
    return new Promise((resolve) => waiting.push(resolve));
  };

  const redraw = (): void => {
    if (interactive && !closed && waiting.length > 0) readline.prompt(true);
  };

  return {
    interactive,
    get columns() {
      return output.columns ?? 80;
    },
    print(text) {
      if (interactive && !closed) {
        // What is being typed may fill several rows: go to its first one before clearing.
        const { rows } = readline.getCursorPos();
        moveCursor(output, 0, -rows);
        cursorTo(output, 0);
        clearBelow(output);
      }
      output.write(`${text}\n`);
      redraw();
    },
    setPrompt(text) {
      prompt = text;
      readline.setPrompt(prompt);
      redraw();
    },
    async ask(question, options = {}) {
      if (!interactive) return nextLine();
      readline.setPrompt(question);
      readline.prompt();
      muted = options.secret === true;
      try {
        return await nextLine();
      } finally {
        if (muted) {
          muted = false;
          output.write('\n');
          // A secret must not come back with the arrow keys.
          (readline as Interface & { history?: string[] }).history?.shift();
        }
        readline.setPrompt(prompt);
      }
    },
    async *lines() {
      for (;;) {
        if (interactive && !closed) readline.prompt(true);
        const line = await nextLine();
        if (line === undefined) return;
        yield line;
      }
    },
    close() {
      if (!closed) readline.close();
    },
  };
}

function clearBelow(output: Writable): void {
  clearLine(output, 0);
  output.write('\u001b[J');
}

/**
 * What readline writes to: the real screen, or nothing while a secret is typed. readline asks its output for `columns`
 * and listens for `resize`, so both are passed on.
 */
function createEcho(output: TerminalDeps['output'], isMuted: () => boolean): Writable {
  const echo = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (isMuted()) done();
      else output.write(chunk, done);
    },
  });
  Object.defineProperty(echo, 'columns', { get: () => output.columns });
  output.on('resize', () => echo.emit('resize'));
  return echo;
}
