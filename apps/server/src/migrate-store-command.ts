/** `conclave migrate-store`: moves the installation of this machine from SQLite to PostgreSQL, while its server runs. */
import { StoreError, systemClock, systemRandom } from '@conclave/platform';
import {
  ConfigError,
  createOperatorClient,
  OperatorError,
  parseConfig,
  readOptionalSecretFile,
  renderConfigProblems,
  SecretsFileError,
  type Config,
} from '@conclave/server';
import { MoveError, moveStore, type MoveReport, type MoveStep } from '@conclave/server/migrate-store';
import { parseCommandLine, takeFlag } from './command-line.ts';
import { readConfig } from './read-config.ts';
import { UsageError } from './usage-error.ts';

const usage = `Usage: conclave migrate-store --to postgres://USER@HOST[:PORT]/DATABASE [--password-file FILE]
                              [--max-read-only-seconds N] [--config FILE] [--KEY=VALUE …] [--json]

Copies the SQLite database to an empty PostgreSQL database while the server runs, makes the server read-only for
the last changes, compares every table on both sides, and hands over. Broken off, it is simply run again.
Give the same --config and flags as to conclave start. Attachments stay where they are.
`;

export async function runMigrateStore(args: readonly string[]): Promise<number> {
  const asJson = args.includes('--json');
  const whole = parseCommandLine(args.filter((argument) => argument !== '--json'));
  if (whole.help) {
    process.stdout.write(usage);
    return 0;
  }
  const to = takeFlag(whole, 'to');
  const passwordFile = takeFlag(to.line, 'password-file');
  const seconds = takeFlag(passwordFile.line, 'max-read-only-seconds');
  if (to.value === undefined) throw new UsageError('migrate-store needs --to');
  if (seconds.value !== undefined && !/^[1-9]\d{0,3}$/.test(seconds.value)) {
    throw new UsageError('--max-read-only-seconds needs a whole number above 0');
  }
  const read = readConfig(seconds.line);
  if (!read.ok) return fail(read.message);

  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => abort.abort(new BrokenOff()));
  try {
    const store = targetOf(to.value, passwordFile.value ?? null);
    const report = await moveStore({
      dataDirectory: read.config.dataDirectory,
      target: { url: to.value, password: readOptionalSecretFile(store.passwordFile) },
      operator: () => createOperatorClient(read.config),
      clock: systemClock,
      random: systemRandom,
      signal: abort.signal,
      onStep: tellProgress(),
      ...(seconds.value === undefined ? {} : { maxReadOnlyMs: Number(seconds.value) * 1_000 }),
    });
    process.stdout.write(asJson ? `${JSON.stringify(jsonOf(report))}\n` : describe(report, store));
    return 0;
  } catch (error) {
    return fail(explain(error));
  }
}

class BrokenOff extends Error {
  override readonly message = 'broken off: the server goes on as before; run it again to go on';
}

/** The settings that will stand in the configuration, checked as it will be. */
function targetOf(url: string, passwordFile: string | null): Config['store'] {
  return parseConfig({ store: { engine: 'postgres', url, passwordFile } }).store;
}

/** One line a step, and one a second while rows are copied. */
function tellProgress(): (step: MoveStep) => void {
  let copied = 0;
  let toldAtMs = systemClock.monotonicMs();
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  return (step) => {
    switch (step.step) {
      case 'begin':
        say(
          `${step.resumes ? 'going on with' : 'copying'} ${step.tables} tables, ${step.isLive ? 'while the server runs' : 'no server runs'}`,
        );
        return;
      case 'copied':
        copied += step.rows;
        if (systemClock.monotonicMs() - toldAtMs < 1_000) return;
        toldAtMs = systemClock.monotonicMs();
        say(`${copied} rows copied`);
        return;
      case 'round':
        say(`round ${step.round}: ${step.rows} rows were new or had changed`);
        return;
      case 'rehearsed':
        say('the log of groups is the same on both sides');
        return;
      case 'read-only':
        say('the server is read-only');
        return;
      case 'verified':
        say(`${step.tables.length} tables are the same on both sides`);
        return;
      default:
        step satisfies never;
    }
  };
}

function jsonOf(report: MoveReport): unknown {
  return {
    ok: true,
    live: report.isLive,
    resumed: report.resumed,
    seconds: report.durationMs / 1_000,
    read_only_seconds: report.readOnlyMs / 1_000,
    tables: report.tables,
  };
}

function describe(report: MoveReport, store: Config['store']): string {
  const widest = Math.max(0, ...report.tables.map(({ name }) => name.length));
  const tables = report.tables.map(
    ({ name, rows, digest }) => `  ${name.padEnd(widest)}  ${String(rows).padStart(10)}  ${digest}`,
  );
  const passwordFile =
    store.passwordFile === null ? [] : [`    passwordFile: ${JSON.stringify(store.passwordFile)}`];
  return [
    ...tables,
    '',
    `Moved in ${(report.durationMs / 1_000).toFixed(1)} s, of which the server was read-only for ${(report.readOnlyMs / 1_000).toFixed(1)} s.`,
    report.isLive
      ? 'It stays read-only: stop it, change its configuration, and start it:'
      : 'Change the configuration:',
    '',
    '  store:',
    '    engine: postgres',
    `    url: ${JSON.stringify(store.url)}`,
    ...passwordFile,
    '',
    'Attachments stay in dataDirectory/attachments, and secrets in secrets.json.',
    '',
  ].join('\n');
}

function fail(message: string): number {
  process.stderr.write(`conclave: ${message.trimEnd()}\n`);
  return 1;
}

/** What an operator can do something about; a bug keeps its stack trace. */
function explain(error: unknown): string {
  if (error instanceof ConfigError) return renderConfigProblems(error.problems);
  if (error instanceof SecretsFileError) return `${error.message}\n  Remedy: ${error.remedy}`;
  if (error instanceof MoveError || error instanceof StoreError) return `${error.message} (${error.code})`;
  if (error instanceof OperatorError || error instanceof BrokenOff) return error.message;
  // The database's own refusals: no such database, a wrong password, no right to create tables.
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    return `PostgreSQL: ${error.message} (${error.code})`;
  }
  throw error;
}
