/** `--key=value`, `--key value` and plain words. */
import { UsageError } from './usage-error.ts';

export interface CommandLine {
  readonly words: readonly string[];
  /** In the order given; without the leading dashes. */
  readonly flags: readonly { readonly key: string; readonly value: string }[];
  readonly help: boolean;
}

export function parseCommandLine(args: readonly string[]): CommandLine {
  const words: string[] = [];
  const flags: { key: string; value: string }[] = [];
  let help = false;
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? '';
    if (arg === '--help' || arg === '-h') {
      help = true;
    } else if (!arg.startsWith('--')) {
      words.push(arg);
    } else {
      const equals = arg.indexOf('=');
      if (equals !== -1) {
        flags.push({ key: arg.slice(2, equals), value: arg.slice(equals + 1) });
      } else {
        const value = args[++index];
        if (value === undefined || value.startsWith('--')) throw new UsageError(`${arg} needs a value`);
        flags.push({ key: arg.slice(2), value });
      }
    }
  }
  return { words, flags, help };
}

/** Takes `name` out of the flags; the last one counts. */
export function takeFlag(line: CommandLine, name: string): { value: string | undefined; line: CommandLine } {
  const value = line.flags.findLast(({ key }) => key === name)?.value;
  return { value, line: { ...line, flags: line.flags.filter(({ key }) => key !== name) } };
}
