/**
 * `conclave chaos [--minutes N] [--seed S] [--quick] [--json]`: a cluster under load while everything in it dies, hangs and is cut
 * off; then a checker compares what was acknowledged with what everybody heard. The exit code says whether all held; with
 * `--json` the last line is the report.
 */
import { randomInt } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const usage = `Usage: conclave chaos [--minutes N] [--seed S] [--quick] [--gateway embedded|centrifugo] [--single] [--keep] [--json]

Starts PostgreSQL, NATS, Redis, an S3 server and three server processes behind a load balancer, all on free ports in a temporary
folder, and three client processes that talk in sealed groups without pause. Then it kills, pauses, restarts and cuts off
everything in turn, for N minutes (default 4; --quick: one, with one fault of each sort). In the end a checker compares what was
acknowledged with what every client heard and with the log of every server process.

  --seed S    the same faults in the same order as in another run (default: a new one, which is printed)
  --single    one server process on SQLite in place of the cluster
  --keep      leaves the folder with histories and logs where it is, as it always is after a failure

docs/chaos.md says what is checked and how to read the histories.
`;

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string' },
      seed: { type: 'string' },
      quick: { type: 'boolean', default: false },
      gateway: { type: 'string', default: 'embedded' },
      single: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const minutes = Number(values.minutes ?? (values.quick ? 1 : 4));
  const seed = values.seed === undefined ? randomInt(2 ** 32) : Number(values.seed);
  const { gateway } = values;
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  if (!(minutes > 0 && minutes <= 600)) return refuse('--minutes needs a number from 0 to 600');
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32)
    return refuse('--seed needs a whole number below 2^32');
  if (gateway !== 'embedded' && gateway !== 'centrifugo')
    return refuse('--gateway is embedded or centrifugo');

  // Only now, so that a wrong argument is answered at once.
  const { runChaos } = await import('./run-chaos.ts');
  const { renderReport, reportOf } = await import('./report.ts');
  const { startSingleServer } = await import('./target/single-server.ts');
  const { startClusterTarget } = await import('./target/cluster.ts');
  // People read along; with --json only the report is on standard output.
  const say = (line: string): void => void (values.json ? process.stderr : process.stdout).write(`${line}\n`);
  const folder = await mkdtemp(join(tmpdir(), 'conclave-chaos-'));
  // PostgreSQL, which refuses to run as root, must reach its own folder in it.
  await chmod(folder, 0o711);
  let keep = true;
  try {
    say(`seed ${seed}; ${minutes} min of faults; histories in ${folder}`);
    await using target = values.single
      ? await startSingleServer(folder)
      : await startClusterTarget({ folder, gateway, say });
    say(target.about);
    try {
      const result = await runChaos({
        folder,
        seed,
        durationMs: minutes * 60_000,
        quick: values.quick,
        target,
        say,
      });
      const report = reportOf(result);
      await writeFile(join(folder, 'violations.json'), JSON.stringify(result.violations, undefined, 2));
      say(`\n${renderReport(report, result)}`);
      if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
      keep = values.keep || !report.ok;
      return report.ok ? 0 : 1;
    } finally {
      for (const [name, output] of target.logs()) await writeFile(join(folder, `${name}.output.log`), output);
    }
  } finally {
    if (keep) say(`histories, faults and the output of all servers: ${folder} (seed ${seed})`);
    else await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

function refuse(why: string): number {
  process.stderr.write(`conclave chaos: ${why}\n`);
  return 2;
}
