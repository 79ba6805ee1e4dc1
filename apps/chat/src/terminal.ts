/**
 * The screen: a prompt that stays at the bottom while lines from the network appear above it, a few status lines between
 * both, and questions that can hide what is typed. On a pipe (no TTY) it prints plain lines and reads line by line, so
 * that scripts can drive it.
 *
 *   12:01 Ada: hello          ← print(), at any moment: becomes part of the screen's history
 *   12:02 Bo: hi
 *     … sending: how are you  ← setStatus(): redrawn with the prompt, replaced or taken away later
 *   Friends> what I am typ|   ← readline
 *
 * Enter takes the typed line off the screen instead of leaving it there: what was said comes back through print() once
 * it is known what became of it.
 */
import { createInterface, cursorTo, moveCursor } from 'node:readline';
import type { Interface } from 'node:readline';
import { Writable } from 'node:stream';
import type { Readable } from 'node:stream';
import { displayWidth, fitWidth, wrapLines } from './display-width.ts';

export interface Terminal {
  readonly interactive: boolean;
  /** Columns of the screen; 80 on a pipe. */
  readonly columns: number;
  /**
   * Writes whole lines above the prompt. The text must already be safe to print. On a screen, lines that are too wide are
   * broken between words, and what follows is indented by `indent` columns (2).
   */
  print(text: string, options?: { indent?: number }): void;
  setPrompt(prompt: string): void;
  /** Lines without escape sequences; each is cut to the width. Nothing on a pipe. */
  setStatus(lines: readonly string[]): void;
  /** Asks one question and returns the line typed; `secret` input is not echoed. Undefined: cancelled, or the input has ended. */
  ask(question: string, options?: { secret?: boolean }): Promise<string | undefined>;
  /** Lines typed by the person, one at a time: the next is read only after the previous was dealt with. Ends with the input. */
  lines(): AsyncIterable<string>;
  /** Ends the input: a waiting question gets undefined, `lines` ends. */
  close(): void;
}

export interface TerminalDeps {
  readonly input: Readable & { isTTY?: boolean };
  readonly output: Writable & { isTTY?: boolean; columns?: number };
  /** Completions of a partial line, as readline wants them. */
  readonly complete?: (line: string) => [string[], string];
  /** Ctrl-C while nothing is typed and nothing is asked. */
  readonly onInterrupt?: () => void;
}

export function createTerminal(deps: TerminalDeps): Terminal {
  const { input, output } = deps;
  const interactive = input.isTTY === true && output.isTTY === true;
  let prompt = '';
  let question:
    | { readonly text: string; readonly secret: boolean; answer(line: string | undefined): void }
    | undefined;
  let status: readonly string[] = [];
  /** Status lines on the screen now. */
  let drawnStatus = 0;
  let isDrawn = false;
  let started = false;
  let closed = false;
  let waiting: ((line: string | undefined) => void) | undefined;
  const typed: string[] = [];

  const columns = (): number => (output.columns === undefined || output.columns <= 0 ? 80 : output.columns);

  const readline: Interface = createInterface({
    input,
    ...(interactive && { output: createEcho() }),
    terminal: interactive,
    historySize: 200,
    removeHistoryDuplicates: true,
    ...(deps.complete && { completer: (line: string) => (question ? [[], line] : deps.complete!(line)) }),
  });

  readline.on('line', (line) => {
    const asked = question;
    if (asked !== undefined) {
      question = undefined;
      // Answers, secret ones above all, must not come back with the arrow keys.
      const { history } = readline as Interface & { history?: string[] };
      if (line !== '' && history?.[0] === line) history.shift();
      asked.answer(line);
    } else if (waiting !== undefined) {
      const next = waiting;
      waiting = undefined;
      next(line);
    } else typed.push(line);
    draw();
  });
  readline.on('close', () => {
    erase();
    closed = true;
    question?.answer(undefined);
    waiting?.(undefined);
  });
  readline.on('SIGINT', () => {
    const asked = question;
    erase();
    if (readline.line !== '') {
      readline.write(null, { ctrl: true, name: 'e' });
      readline.write(null, { ctrl: true, name: 'u' });
    } else if (asked === undefined) deps.onInterrupt?.();
    if (asked !== undefined) {
      question = undefined;
      asked.answer(undefined);
    }
    draw();
  });
  // The terminal has wrapped the old rows anew, so their number is a guess; what is wrong goes away with the next lines.
  if (interactive) output.on('resize', draw);

  /** Takes prompt and status off the screen; the cursor stands where the next printed line begins. */
  function erase(): void {
    if (!interactive || closed || !isDrawn) return;
    // What is being typed may fill several rows: go to its first one before clearing. A secret's rows are not shown.
    const rows =
      question?.secret === true
        ? Math.floor(displayWidth(question.text) / columns())
        : readline.getCursorPos().rows;
    moveCursor(output, 0, -(rows + drawnStatus));
    cursorTo(output, 0);
    output.write('\u001b[J');
    drawnStatus = 0;
    isDrawn = false;
  }

  function draw(): void {
    if (!interactive || closed || !(started || question !== undefined)) return;
    erase();
    for (const line of status) output.write(`\u001b[2m${fitWidth(line, columns() - 1)}\u001b[22m\n`);
    drawnStatus = status.length;
    if (question?.secret === true) output.write(question.text);
    else {
      readline.setPrompt(question?.text ?? prompt);
      readline.prompt(true);
    }
    isDrawn = true;
  }

  /**
   * What readline writes to. It stays silent while a secret is typed, and turns the line break of Enter into erasing.
   * readline asks its output for `columns` and listens for `resize`, so both are passed on.
   */
  function createEcho(): Writable {
    const echo = new Writable({
      write(chunk: Buffer, _encoding, done) {
        const text = chunk.toString();
        if (text === '\r\n') erase();
        else if (question?.secret !== true) output.write(chunk);
        // At once: a write that waits here would be overtaken by what is printed.
        done();
      },
    });
    Object.defineProperty(echo, 'columns', { get: columns });
    output.on('resize', () => echo.emit('resize'));
    return echo;
  }

  const nextLine = (): Promise<string | undefined> => {
    const line = typed.shift();
    if (line !== undefined) return Promise.resolve(line);
    if (closed) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      waiting = resolve;
    });
  };

  return {
    interactive,
    get columns() {
      return columns();
    },
    print(text, { indent = 2 } = {}) {
      erase();
      output.write(`${interactive ? wrapLines(text, columns(), indent) : text}\n`);
      draw();
    },
    setPrompt(text) {
      prompt = text;
      if (isDrawn) draw();
    },
    setStatus(lines) {
      if (lines.length === 0 && status.length === 0) return;
      status = [...lines];
      if (isDrawn) draw();
    },
    async ask(text, options = {}) {
      if (!interactive) {
        output.write(`${text}\n`);
        return await nextLine();
      }
      if (closed) return undefined;
      const secret = options.secret === true;
      const answer = await new Promise<string | undefined>((resolve) => {
        erase();
        question = { text, secret, answer: resolve };
        draw();
      });
      erase();
      output.write(`\u001b[2m${text}${secret || answer === undefined ? '' : answer}\u001b[22m\n`);
      draw();
      return answer;
    },
    async *lines() {
      started = true;
      draw();
      for (;;) {
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
