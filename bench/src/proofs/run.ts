/**
 * `conclave bench proofs`: what changes and messages of sealed groups cost whoever makes, checks and receives them, on one core, in
 * units of one Ed25519 verification (E) measured in the same run.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createNodeEngine } from '@conclave/ristretto/wasm-node';
import { createSuite } from '@conclave/sealed-group';
import {
  afterRemovalCosts,
  batchCost,
  commitCosts,
  engineCosts,
  joinCosts,
  messageCost,
} from '@conclave/sealed-group/bench/proofs';
import { measureNewcomer } from '@conclave/sealed-group/bench/newcomer';
import type { CommitCosts } from '@conclave/sealed-group/bench/proofs';
import type { Cost } from '@conclave/sealed-group/bench/unit';
import { worstSearch } from '@conclave/sealed-group/bench/slow-search';
import { atLeast, atMost, measured, reportOf } from '../metric.ts';
import type { Metric, Report } from '../metric.ts';

type Say = (line: string) => void;

const small = 1_024;
const large = 65_536;
const huge = 1_048_576;

export async function runProofsBench(say: Say): Promise<Report> {
  const suite = createSuite(createNodeEngine());
  const step = <T>(what: string, work: () => T): T => {
    say(what);
    return work();
  };
  const bySize = new Map<number, CommitCosts>();
  for (const [members, samples] of [
    [2, 21],
    [32, 21],
    [small, 21],
    [large, 5],
  ] as const) {
    bySize.set(
      members,
      step(`commits of ${members} members`, () => commitCosts(suite, members, samples)),
    );
  }
  const at = (members: number): CommitCosts => bySize.get(members)!;
  const batch = step('batches of 16 commits', () => batchCost(suite, small, 16, 9));
  const message = step('batches of 64 messages', () => messageCost(suite, 64, 31));
  const engines = step('the same proof on @noble/curves', () => engineCosts(suite));
  const search = step('the slow search, at its worst', () => worstSearch(suite));
  const commitsMissed = 8;
  const newcomer = step(`a newcomer to ${large} members`, () => measureNewcomer(large, commitsMissed, suite));

  const metrics: Metric[] = [
    atMost(`prove a commit, ${small} members`, at(small).prove.units, 'E', 400),
    atMost('verify it alone', at(small).verify.units, 'E', 180),
    atMost('verify it in batches of 16, each', batch.units, 'E', 110),
    atMost('verify a message proof, batches of 64, each', message.units, 'E', 0.5),
    atMost(`apply a commit as a receiver, ${small} members`, at(small).apply.units, 'E', 60),
    atMost(
      `prove, ${large} members against ${small}`,
      at(large).prove.units / at(small).prove.units,
      'x',
      1.8,
    ),
    atMost(
      `verify, ${large} members against ${small}`,
      at(large).verify.units / at(small).verify.units,
      'x',
      1.8,
    ),
    atLeast(
      'verify a sealing proof, kernel against the @noble/curves path',
      engines.reference.us / engines.kernel.us,
      'x',
      20,
    ),
    measured(
      'verify a sealing proof, kernel against a naive verifier on @noble/curves',
      engines.naive.us / engines.kernel.us,
      'x',
    ),
    atMost(`commit bytes, ${small} members`, at(small).bytes, 'bytes', 24_000),
    atMost(`commit bytes, ${large} members`, at(large).bytes, 'bytes', 37_000),
    atMost(
      `a newcomer at ${large} members, ${commitsMissed} commits late, reads after`,
      newcomer.bytesUntilReading,
      'bytes',
      64_000,
    ),
    atMost(`the public tree at ${large} members`, newcomer.treeBytesPerNode, 'bytes/node', 48),
    measured('the unit: one Ed25519 verification', at(small).verify.us / at(small).verify.units, 'us'),
  ];
  metrics.push(
    measured("a cheater's digit at the bound: found after", search.ms, 'ms'),
    measured("a cheater's digit at the bound: longest step", search.longestStepMs, 'ms'),
  );
  for (const [members, costs] of bySize) metrics.push(...rowsOf(members, costs));
  metrics.push(...unusualCommits(step, suite));
  metrics.push(...(await treeOperations(step)), ...(await footprint(step)));
  return reportOf('proofs', metrics);
}

function rowsOf(members: number, costs: CommitCosts): Metric[] {
  const row = (what: string, cost: Cost): Metric => measured(`${members} members: ${what}`, cost.units, 'E');
  return [
    row('prove', costs.prove),
    row('verify', costs.verify),
    row('apply', costs.apply),
    row('apply, with the sealing proof', costs.applyWithProof),
    measured(`${members} members: commit`, costs.bytes, 'bytes'),
  ];
}

function unusualCommits(step: <T>(what: string, work: () => T) => T, suite: Parameters<typeof joinCosts>[0]) {
  const metrics: Metric[] = [];
  const add = (what: string, costs: ReturnType<typeof joinCosts>): void => {
    metrics.push(
      measured(`${what}: prove`, costs.prove.units, 'E'),
      measured(`${what}: verify`, costs.verify.units, 'E'),
      measured(`${what}: commit`, costs.bytes, 'bytes'),
    );
  };
  for (const added of [1, 64, 512]) {
    const what = `${small} members, ${added} join`;
    add(
      what,
      step(what, () => joinCosts(suite, small, added, 3)),
    );
  }
  const what = `${small} members, 25 % removed`;
  add(
    what,
    step(what, () => afterRemovalCosts(suite, small, 3)),
  );
  return metrics;
}

interface TreeFigures {
  readonly buildMs: number;
  readonly fullHashMs: number;
  readonly rssMb: number;
  readonly encodedBytesPerNode: number;
  readonly decodeMs: number;
  readonly pathBytes: number;
  readonly verifyPathMs: number;
  readonly commits: Readonly<
    Record<string, { readonly planMs: number; readonly keysAndHashMs: number; readonly applyMs: number }>
  >;
}

/** In a process of its own, so that its memory is its own. The script prints one line of JSON. */
async function runAlone(script: string, argument: number): Promise<unknown> {
  const path = fileURLToPath(new URL(`../../../packages/${script}`, import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [path, String(argument)], {
    timeout: 600_000,
  });
  return JSON.parse(stdout) as unknown;
}

/** What a group takes on the server. */
async function footprint(step: <T>(what: string, work: () => T) => T): Promise<Metric[]> {
  const what = `a group of ${small} members on the server`;
  const figures = (await step(what, () => runAlone('server/bench/group-footprint.ts', small))) as {
    readonly diskBytes: number;
    readonly diskBytesPerCommit: number;
    readonly cachedTreeBytes: number;
  };
  return [
    measured(`${what}: rows on disk, without frames`, figures.diskBytes, 'bytes'),
    measured(`${what}: rows that a commit adds, without its frame`, figures.diskBytesPerCommit, 'bytes'),
    measured(`${what}: its tree in memory, while cached`, figures.cachedTreeBytes, 'bytes'),
  ];
}

async function treeOperations(step: <T>(what: string, work: () => T) => T): Promise<Metric[]> {
  const figures = (await step(`trees of ${huge} members`, () =>
    runAlone('sealed-group/bench/tree.ts', huge),
  )) as TreeFigures;
  const name = (what: string): string => `${huge} members: ${what}`;
  return [
    measured(name('first hash of the whole tree'), figures.fullHashMs, 'ms'),
    measured(name('decoding the tree'), figures.decodeMs, 'ms'),
    measured(name('tree'), figures.encodedBytesPerNode, 'bytes/node'),
    measured(name("a member's path"), figures.pathBytes, 'bytes'),
    measured(name("verifying a member's path"), figures.verifyPathMs, 'ms'),
    measured(name('memory of the process'), figures.rssMb, 'MB'),
    ...Object.entries(figures.commits).map(([kind, { planMs, keysAndHashMs, applyMs }]) =>
      measured(name(`tree work of ${kind}`), planMs + keysAndHashMs + applyMs, 'ms'),
    ),
  ];
}
