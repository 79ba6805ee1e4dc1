/** The chat on a pseudo-terminal, which util-linux's `script` makes: prompt, completion, hidden answers, Ctrl-C and Ctrl-D. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startServerProcess, type ServerProcess } from '@conclave/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { chatProgram, nodeFlags } from './chat-process.ts';

/** Other systems' `script` takes other options. */
const hasScript =
  spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') ?? false;

describe.skipIf(!hasScript)('chatting on a terminal (skipped without the `script` of util-linux)', () => {
  let folder: string;
  let server: ServerProcess;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'conclave-screen-'));
    server = await startServerProcess({ dataDirectory: join(folder, 'server') });
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  test('asks what it must know, hides the password, completes, draws a code, and leaves the screen in order', async () => {
    const words = [
      process.execPath,
      ...nodeFlags,
      chatProgram,
      '--data',
      join(folder, 'ada'),
      '--server',
      server.url,
    ];
    const command = `stty cols 100 rows 40; exec ${words.map((word) => `'${word}'`).join(' ')} create Friends`;
    const child = spawn('script', ['--quiet', '--return', '--command', command, join(folder, 'typescript')], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...colourfulEnvironment(), TERM: 'xterm-256color' },
    });
    let seen = '';
    let from = 0;
    child.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString('utf8')));
    const until = async (text: string): Promise<void> => {
      for (let tries = 0; seen.indexOf(text, from) === -1; tries++) {
        if (tries > 1_500 || child.exitCode !== null)
          throw new Error(`no ${text} in ${JSON.stringify(seen)}`);
        await delay(20);
      }
      from = seen.indexOf(text, from) + text.length;
    };
    const answer = async (question: string, text: string): Promise<void> => {
      await until(question);
      child.stdin.write(text);
    };
    try {
      await answer('Your name: ', 'Ada\r');
      await answer('Do you have one already?', '\r');
      await answer('User name [ada]: ', '\r');
      await answer('Choose a password: ', 'correct horse battery\r');
      await answer('Once more: ', 'correct horse battery\r');
      await answer('Registration token', `${server.firstAccountToken}\r`);
      await until('/invite makes a link');
      await answer('Friends> ', '/inv');
      await answer('/inv', '\t');
      await answer('ite ', '\r');
      await until('/i#');
      await until('█▀▀▀▀▀█');
      await until('It works once');
      await answer('Friends> ', 'hello\r');
      await until('You\u001b[22m: hello');
      await answer('Friends> ', 'never sent');
      await until('never sent');
      // Ctrl-C takes back what is typed; with nothing typed, Ctrl-D ends.
      child.stdin.write('\u0003');
      await until('Friends> ');
      child.stdin.write('\u0004');
      const [code] = (await once(child, 'close')) as [number | null];
      expect(code).toBe(0);
    } finally {
      child.kill('SIGKILL');
    }
    expect(seen).not.toContain('correct horse');
    expect(await readFile(join(folder, 'typescript'), 'utf8')).not.toContain('You: never sent');
  });
});

/** Without what makes Node show no colours: a terminal inside continuous integration counts as colourless. */
function colourfulEnvironment(): NodeJS.ProcessEnv {
  const { env } = process;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !['CI', 'NO_COLOR'].includes(name)));
}
