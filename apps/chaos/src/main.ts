/**
 * `conclave chaos [--minutes N] [--seed S] [--quick] [--json]`: clusters under load while everything in them dies, hangs and is cut
 * off; then a checker compares what was acknowledged with what everybody heard. The exit code says whether all held; with
 * `--json` the last line is the report.
 */
import { randomInt } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Phase } from './report.ts';
import type { ChaosTarget } from './target/target.ts';

const usage = `Usage: conclave chaos [--minutes N] [--seed S] [--quick] [--gateway embedded|centrifugo] [--single] [--keep] [--json]

Starts PostgreSQL, NATS, Redis, an S3 server and three server processes behind a load balancer, all on free ports in a temporary
folder, and three client processes that talk in sealed groups without pause. Then it kills, pauses, restarts and cuts off
everything in turn. In the end a checker compares what was acknowledged with what every client heard and with the log of every
server process. All of it twice: first with the embedded gateway, then with Centrifugo.

  --minutes N how long faults go on, both times together (default 8; with --quick 2.5). Each kind of fault on each
              component is carried out once even if that takes longer, up to twice the time or a minute more
  --quick     a choice of the faults in place of all
  --gateway G only with this one
  --seed S    the same faults in the same order as in another run (default: a new one, which is printed)
  --single    one server process on SQLite in place of the clusters
  --keep      leaves the folder with histories and logs where it is, as it always is after a failure

docs/chaos.md says what is checked and how to read the histories.
`;

const gateways = ['embedded', 'centrifugo'] as const;
type Gateway = (typeof gateways)[number];

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string' },
      seed: { type: 'string' },
      quick: { type: 'boolean', default: false },
      gateway: { type: 'string' },
      single: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const { quick } = values;
  const minutes = Number(values.minutes ?? (quick ? 2.5 : 8));
  const seed = values.seed === undefined ? randomInt(2 ** 32) : Number(values.seed);
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  if (!(minutes > 0 && minutes <= 600)) return refuse('--minutes needs a number from 0 to 600');
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32)
    return refuse('--seed needs a whole number below 2^32');
  if (values.gateway !== undefined && !isGateway(values.gateway))
    return refuse('--gateway is embedded or centrifugo');
  const chosen = values.gateway === undefined ? gateways : [values.gateway];
  const names = values.single ? (['single'] as const) : chosen;

  // Only now, so that a wrong argument is answered at once.
  const { runChaos } = await import('./run-chaos.ts');
  const { renderReport, reportOf } = await import('./report.ts');
  const { missingCluster } = await import('@conclave/testkit/cluster');
  const { startSingleServer } = await import('./target/single-server.ts');
  const { startClusterTarget } = await import('./target/cluster.ts');
  for (const name of names) {
    // Not after minutes, when its turn comes.
    const missing = name === 'single' ? undefined : missingCluster(name);
    if (missing !== undefined) return refuse(`missing: ${missing} (scripts/ensure-servers.sh)`);
  }
  // People read along; with --json only the report is on standard output.
  const say = (line: string): void => void (values.json ? process.stderr : process.stdout).write(`${line}\n`);
  const folder = await mkdtemp(join(tmpdir(), 'conclave-chaos-'));
  // PostgreSQL, which refuses to run as root, must reach its own folder in it.
  await chmod(folder, 0o711);

  const start = (name: Gateway | 'single', phaseFolder: string): Promise<ChaosTarget> =>
    name === 'single'
      ? startSingleServer(phaseFolder)
      : startClusterTarget({ folder: phaseFolder, gateway: name, say });
  const runPhase = async (name: Gateway | 'single'): Promise<Phase> => {
    const phaseFolder = join(folder, name);
    await mkdir(phaseFolder, { mode: 0o711 });
    await using target = await start(name, phaseFolder);
    say(`\n${target.about}`);
    try {
      const durationMs = (minutes * 60_000) / names.length;
      const result = await runChaos({ folder: phaseFolder, seed, durationMs, quick, target, say });
      await writeFile(join(phaseFolder, 'violations.json'), JSON.stringify(result.violations, undefined, 2));
      return { name, result };
    } finally {
      for (const [server, output] of target.logs())
        await writeFile(join(phaseFolder, `${server}.output.log`), output);
    }
  };

  let keep = true;
  try {
    say(`seed ${seed}; ${minutes} min of faults; histories in ${folder}`);
    const phases: Phase[] = [];
    for (const name of names) phases.push(await runPhase(name));
    const report = reportOf(phases);
    say(`\n${renderReport(report)}`);
    keep = values.keep || !report.ok;
    if (values.json)
      process.stdout.write(`${JSON.stringify({ ...report, folder: keep ? folder : undefined })}\n`);
    return report.ok ? 0 : 1;
  } finally {
    if (keep) say(`histories, faults and the output of all servers: ${folder} (seed ${seed})`);
    else await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

function isGateway(name: string): name is Gateway {
  return gateways.some((gateway) => gateway === name);
}

function refuse(why: string): number {
  process.stderr.write(`conclave chaos: ${why}\n`);
  return 2;
}
