/** The process of `conclave chat`: arguments, signals, exit code. */
import { parseArguments, usage } from './arguments.ts';
import { explainError } from './explain-error.ts';
import { runChat } from './run-chat.ts';

const parsed = parseArguments(process.argv.slice(2));
if (!parsed.ok) {
  process.stderr.write(`conclave chat: ${parsed.message}\n\n${usage}`);
  process.exitCode = 2;
} else if (parsed.value.help) {
  process.stdout.write(usage);
} else {
  const stop = new AbortController();
  let signalled: NodeJS.Signals | undefined;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      // A second one does not wait for the order of ending.
      if (signalled !== undefined) process.exit(1);
      signalled = signal;
      stop.abort();
    });
  }
  // The reader of the pipe has gone: nobody is left to tell.
  process.stdout.on('error', () => stop.abort());
  process.on('uncaughtException', (error) => {
    process.stderr.write(`\n! ${explainError(error)}\n`);
    process.exit(70);
  });
  process.exitCode = await runChat(parsed.value, {
    input: process.stdin,
    output: process.stdout,
    env: process.env,
    stop: stop.signal,
  });
  // An input that is still open must not keep the program.
  process.stdin.unref?.();
  if (signalled !== undefined && signalled !== 'SIGINT')
    process.exitCode = signalled === 'SIGTERM' ? 143 : 129;
}
