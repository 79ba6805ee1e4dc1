/** Finds the configuration file, and turns all sources into one configuration or one message. */
import { readFileSync } from 'node:fs';
import { configFileVariable, loadConfig, renderConfigProblems, type Config } from '@conclave/server';
import { takeFlag, type CommandLine } from './command-line.ts';
import { UsageError } from './usage-error.ts';

const defaultFile = 'conclave.yaml';

export type ReadConfigResult =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly message: string };

/** Throws {@link UsageError} when a file that was named cannot be read. */
export function readConfig(commandLine: CommandLine): ReadConfigResult {
  const { value: named, line } = takeFlag(commandLine, 'config');
  const file = readFile(named ?? process.env[configFileVariable]);
  const loaded = loadConfig({
    ...(file === undefined ? {} : { file }),
    environment: process.env,
    flags: line.flags,
  });
  return loaded.ok ? loaded : { ok: false, message: renderConfigProblems(loaded.problems) };
}

/** Without a name: the default file if it is there. */
function readFile(named: string | undefined): { name: string; text: string } | undefined {
  const name = named ?? defaultFile;
  try {
    return { name, text: readFileSync(name, 'utf8') };
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    if (named === undefined && code === 'ENOENT') return undefined;
    throw new UsageError(`the configuration file ${name} cannot be read (${code})`, { cause });
  }
}
