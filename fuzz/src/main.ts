/** `conclave fuzz [TARGET…]`: decoders of untrusted octets under coverage-guided mutation. See README.md. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runTarget } from './engine/run-target.ts';
import type { RunReport } from './engine/run-target.ts';
import type { FuzzTarget } from './engine/target.ts';
import { moduleByTarget } from './targets/index.ts';

const usage = `Usage: conclave fuzz [TARGET…] [options]

  --seconds N    run each target so long, keep what it learns in fuzz/corpus, and start from there
  --runs N       run each target so often (without either: the bounded run of continuous integration)
  --seed N       another sequence of mutations; 1 by default
  --jobs N       targets at the same time; 2 by default
  --replay FILE  run one input (hexadecimal, as findings are stored) through one target
  --list         the targets and what they decode
`;

const root = join(import.meta.dirname, '..');
const say = (text: string) => process.stdout.write(`${text}\n`);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string' },
    runs: { type: 'string' },
    seed: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '2' },
    replay: { type: 'string' },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const unknown = positionals.filter((name) => !moduleByTarget.has(name));
const [seconds, runs, seed, jobs] = [values.seconds, values.runs, values.seed, values.jobs].map((text) =>
  text === undefined ? undefined : Number(text),
);
const isMalformed = [seconds, runs, seed, jobs].some((value) => value !== undefined && !(value >= 1));

if (values.help) say(usage);
else if (unknown.length > 0 || isMalformed || (values.replay !== undefined && positionals.length !== 1)) {
  process.stderr.write(unknown.length > 0 ? `no such target: ${unknown.join(', ')}\n\n${usage}` : usage);
  process.exitCode = 2;
} else if (values.list) {
  for (const [name, module] of moduleByTarget)
    say(`${name.padEnd(18)}${((await import(module)) as { target: FuzzTarget }).target.about}`);
} else
  process.exitCode = (await fuzz(positionals.length > 0 ? positionals : [...moduleByTarget.keys()])) ? 0 : 1;

/** True if nothing was found. */
async function fuzz(names: readonly string[]): Promise<boolean> {
  const replay = values.replay === undefined ? undefined : [await readHex(values.replay)];
  const waiting = [...names];
  let clean = true;
  const work = async (): Promise<void> => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      const corpus = seconds === undefined ? [] : await readCorpus(name);
      const report = await runTarget({
        module: moduleByTarget.get(name)!,
        seed: seed!,
        runs,
        seconds,
        corpus,
        replay,
      }).catch((cause: unknown) => {
        throw new Error(`the target ${name} cannot be run`, { cause });
      });
      clean = clean && report.finding === undefined;
      await tell(name, report);
      if (seconds !== undefined && 'corpus' in report)
        await writeAll(join(root, 'corpus', name), report.corpus);
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs!, names.length) }, work));
  return clean;
}

async function tell(name: string, report: RunReport): Promise<void> {
  if ('corpus' in report) {
    const { executions, corpus, countersSeen, counters, elapsedMs, slowestMs } = report;
    const rate = Math.round((executions / elapsedMs) * 1_000);
    say(
      `${name.padEnd(18)}${executions} runs in ${(elapsedMs / 1_000).toFixed(1)} s (${rate}/s), ` +
        `${countersSeen} of ${counters} branches, corpus ${corpus.length}, slowest ${Math.ceil(slowestMs)} ms`,
    );
  }
  if (report.finding === undefined) return;
  const { kind, message, bytes } = report.finding;
  const [file] = await writeAll(join(root, 'findings', name), [bytes]);
  say(`${name}: FOUND (${kind}) after ${report.executions} runs\n${message}\n`);
  say(`input, ${bytes.length} bytes: ${Buffer.from(bytes).toString('hex')}`);
  say(`again: ./conclave fuzz ${name} --replay ${file}`);
}

async function writeAll(folder: string, inputs: readonly Uint8Array[]): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const files = inputs.map((bytes) => ({
    path: join(folder, `${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}.hex`),
    text: `${Buffer.from(bytes).toString('hex')}\n`,
  }));
  await Promise.all(files.map(({ path, text }) => writeFile(path, text)));
  return files.map(({ path }) => path);
}

async function readCorpus(name: string): Promise<Uint8Array[]> {
  const folder = join(root, 'corpus', name);
  await mkdir(folder, { recursive: true });
  const files = (await readdir(folder)).sort();
  return await Promise.all(files.map((file) => readHex(join(folder, file))));
}

async function readHex(file: string): Promise<Uint8Array> {
  return Uint8Array.from(Buffer.from((await readFile(file, 'utf8')).trim(), 'hex'));
}
