/**
 * `conclave attack [--quick] [--json] [--keep]`: a malicious client against a real server and honest clients. The exit code
 * says whether everything was held off; with `--json` the last line is the report.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { renderCoverage, renderMetrics, renderOutcomes, reportOf } from './report.ts';
import { run } from './run.ts';

const usage = `Usage: conclave attack [--quick] [--json] [--keep]

Starts a server and honest clients as processes of their own in a temporary folder, and attacks them in every way that
apps/attack/README.md lists. --quick makes the floods short; --json ends with one line of JSON; --keep leaves the folder
where it is. The exit code is 0 if every attack was held off.
`;

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const folder = await mkdtemp(join(tmpdir(), 'conclave-attack-'));
  for (const name of ['server', 'flooded-server']) await mkdir(join(folder, name));
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  try {
    const { outcomes, metrics } = await run({ folder, say, quick: values.quick });
    const report = reportOf(metrics);
    say(renderOutcomes(outcomes));
    say(renderCoverage(outcomes));
    say(`\n${renderMetrics(metrics)}`);
    if (values.json) say(JSON.stringify(report));
    return report.ok ? 0 : 1;
  } finally {
    if (values.keep) process.stderr.write(`The folder of the attack: ${folder}\n`);
    else await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}
