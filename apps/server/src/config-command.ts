/** `conclave config`: the annotated sample, the reference, and a check of the whole configuration. */
import {
  loadConfig,
  renderConfigProblems,
  renderConfigReference,
  renderSampleConfig,
} from '@conclave/server';
import { readFileSync } from 'node:fs';
import { runCentrifugoConfig } from './centrifugo-config-command.ts';
import { parseCommandLine } from './command-line.ts';
import { UsageError } from './usage-error.ts';

const usage = `Usage: conclave config sample        print a file with every setting and its default
       conclave config reference     print the reference as Markdown
       conclave config check FILE    check a file; the exit code says whether it is good
       conclave config centrifugo    print the configuration of a Centrifugo for this installation (--help)
`;

export async function runConfig(args: readonly string[]): Promise<number> {
  if (args[0] === 'centrifugo') return runCentrifugoConfig(args.slice(1));
  const { words, flags, help } = parseCommandLine(args);
  const [command, file] = words;
  if (help || command === undefined) {
    process.stdout.write(usage);
    return 0;
  }
  if (flags.length > 0) throw new UsageError('conclave config takes no flags');
  switch (command) {
    case 'sample':
      process.stdout.write(renderSampleConfig());
      return 0;
    case 'reference':
      process.stdout.write(renderConfigReference());
      return 0;
    case 'check':
      if (file === undefined) throw new UsageError('conclave config check needs a FILE');
      return check(file);
    default:
      throw new UsageError(`unknown command: config ${command}`);
  }
}

function check(file: string): number {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    throw new UsageError(`${file} cannot be read (${code})`, { cause });
  }
  const loaded = loadConfig({ file: { name: file, text } });
  if (loaded.ok) {
    process.stdout.write(`${file} is good.\n`);
    return 0;
  }
  process.stderr.write(renderConfigProblems(loaded.problems));
  return 1;
}
