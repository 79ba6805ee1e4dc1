/**
 * `conclave demo FILE [--lines N] [--keep] [--json]`: a conversation between real processes, checked from end to end. The
 * exit code says whether all checks held; with `--json` the last line is the report.
 */
import { mkdir, mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Check } from './checks.ts';
import { perform, removeFolder } from './performance.ts';
import { linesOf, minLines, writeScript } from './script.ts';

const usage = `Usage: conclave demo FILE [--lines N] [--keep] [--json]

Starts a server and five clients as processes of their own in a temporary folder. They say the lines of FILE (a text of
at least ${minLines} lines; the first N, 40 by default), while people are added and removed, one goes offline and returns, and the
server is killed half-way. Then it checks what everybody heard, what the removed member could read with a copy of all
its keys, and what the server's files give away. --keep leaves the folder where it is.
`;

process.exitCode = await main();

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      lines: { type: 'string', default: '40' },
      keep: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [file] = positionals;
  if (values.help || file === undefined || positionals.length > 1) {
    process.stdout.write(usage);
    return values.help ? 0 : 2;
  }
  const count = Number(values.lines);
  if (!Number.isInteger(count) || count < minLines || count > 1_000) {
    process.stderr.write(`conclave demo: --lines needs a whole number from ${minLines} to 1000\n`);
    return 2;
  }
  const lines = linesOf(await readFile(file, 'utf8'), count);
  if (lines.length < minLines) {
    process.stderr.write(`conclave demo: ${file} has only ${lines.length} lines, ${minLines} are needed\n`);
    return 2;
  }
  const folder = await mkdtemp(join(tmpdir(), 'conclave-demo-'));
  await mkdir(join(folder, 'server'));
  try {
    const say = values.json ? () => undefined : (line: string) => process.stdout.write(`${line}\n`);
    const checks = await perform({ folder, steps: writeScript(lines), say });
    process.stdout.write(
      values.json ? `${JSON.stringify(reportOf(checks))}\n` : `\n${renderChecks(checks)}\n`,
    );
    return checks.every(({ met }) => met) ? 0 : 1;
  } finally {
    if (values.keep) process.stderr.write(`The folder of the play: ${folder}\n`);
    else await removeFolder(folder);
  }
}

function reportOf(checks: readonly Check[]): object {
  const metrics = checks.map(({ name, value, unit, target, met }) => ({ name, value, unit, target, met }));
  return { name: 'demo', ok: checks.every(({ met }) => met), metrics };
}

function renderChecks(checks: readonly Check[]): string {
  return checks
    .map(({ name, value, unit, target, met, detail }) => {
      const line = `${met ? '✓' : '✗'} ${name}: ${value} ${unit} (should be ${target})`;
      return detail === undefined ? line : `${line}\n    ${detail}`;
    })
    .join('\n');
}
