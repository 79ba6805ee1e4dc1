/**
 * `conclave bench cluster`: what the same client gets from one process on SQLite and from one to three on real engines, and from the
 * embedded gateway and Centrifugo with 10,000 subscribers. Everything shares this machine's cores, the clients too: more
 * processes cannot be faster here. What a message costs each component in CPU time says what it would take elsewhere.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { missingCluster } from '@conclave/testkit/cluster';
import { atLeast, atMost, measured, percentile, reportOf } from '../metric.ts';
import type { Metric, Report } from '../metric.ts';
import { missingCentrifugoGateway, startCentrifugoGateway } from './centrifugo-gateway.ts';
import { measureDirectPublish } from './direct-publish.ts';
import { measureFanOut, startEmbeddedGateway } from './fan-out.ts';
import type { FanOutResult, GatewayUnderTest } from './fan-out.ts';
import type { Installation } from './installation.ts';
import { startOnEngines, startOnSqlite } from './installation.ts';
import { measureMessages } from './message-load.ts';

type Say = (line: string) => void;

const subscribers = 10_000;
/** Gateways are measured in turns; what is reported is the median. */
const rounds = 3;
const targets = { shareOfCentrifugo: 0.7, memoryOfCentrifugo: 1.5, addedMs: 5 } as const;
/** What is compared, in the words of every line about it. */
const names = {
  embedded: 'embedded gateway (the package alone)',
  centrifugo: 'Centrifugo (without its JetStream consumer)',
} as const;

export async function runClusterBench(say: Say): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), 'conclave-bench-'));
  try {
    const metrics: Metric[] = [measured('cores, shared by everything', availableParallelism(), 'cores')];
    const directMs = await directPublishMs(say);
    metrics.push(measured('published directly: answer to arrival, p50', directMs, 'ms'));
    const measure = async (name: string, start: () => Promise<Installation>): Promise<void> => {
      try {
        await using installation = await start();
        const taken = await measureInstallation(installation, directMs, say);
        // At once, so that what was measured is known even if a later part fails.
        for (const metric of taken) say(`  ${metric.name}: ${metric.value} ${metric.unit}`);
        metrics.push(...taken);
      } catch (error) {
        metrics.push(brokeOff(name, error, say));
      }
    };
    await measure('SQLite, 1 process', () => startOnSqlite(folder));
    const missing = missingCluster();
    if (missing !== undefined) metrics.push(notRun(`real engines (missing: ${missing})`));
    else {
      for (const processes of [1, 2, 3])
        await measure(`engines, ${processes} processes`, () => startOnEngines(processes));
    }
    metrics.push(...(await compareGateways(say)));
    return reportOf('cluster', metrics);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function directPublishMs(say: Say): Promise<number> {
  say('publications directly to the gateway');
  await using gateway = await startEmbeddedGateway();
  return await measureDirectPublish(gateway);
}

/**
 * What outbox, relay and bus add begins with the commit, and so does the way of the answer. What passes until the answer has come is
 * hidden from the client; a whole empty request takes longer than that. So the sum is more than what is added, and is judged. The
 * servers' own histogram begins before the commit, and has no bound below some milliseconds: it is told, not judged.
 */
async function measureInstallation(
  installation: Installation,
  directMs: number,
  say: Say,
): Promise<Metric[]> {
  const { name } = installation;
  const { metrics, answerToArrivalMs, emptyRequestMs, relayDelayMs } = await measureMessages(
    installation,
    say,
  );
  return [
    ...metrics,
    measured(`${name}: answer to arrival, less a direct publish, p50`, answerToArrivalMs - directMs, 'ms'),
    measured(`${name}: an empty request, p50`, emptyRequestMs, 'ms'),
    measured(`${name}: commit included, to the bus, by the servers' histogram, p50`, relayDelayMs, 'ms'),
    atMost(
      `${name}: outbox, relay and bus add at most, p50 (answer to arrival and an empty request)`,
      answerToArrivalMs + emptyRequestMs,
      'ms',
      targets.addedMs,
    ),
  ];
}

/**
 * The embedded gateway's package in a process of its own, without server, database and bus; and a Centrifugo with one
 * namespace, which does not consume from JetStream. Both get the same publications over HTTP: it is the fan-out that is compared,
 * not what feeds it. In turns, so that what else the machine does falls on both.
 */
async function compareGateways(say: Say): Promise<Metric[]> {
  say(`fan-out, ${rounds} times each: ${names.embedded}; ${names.centrifugo}`);
  const missing = missingCentrifugoGateway();
  const embedded: FanOutResult[] = [];
  const centrifugo: FanOutResult[] = [];
  const failures: Metric[] = [];
  const take = async (
    name: string,
    results: FanOutResult[],
    start: () => Promise<GatewayUnderTest>,
  ): Promise<void> => {
    try {
      await using gateway = await start();
      const result = await measureFanOut(gateway, subscribers, say);
      say(`  ${name}: ${Math.round(result.deliveriesPerCpuSecond)} deliveries/CPU s`);
      results.push(result);
    } catch (error) {
      // What was measured before is reported all the same; a comparison without its other side is a miss.
      failures.push(brokeOff(name, error, say));
    }
  };
  for (let round = 0; round < rounds; round++) {
    await take(names.embedded, embedded, startEmbeddedGateway);
    if (missing === undefined) await take(names.centrifugo, centrifugo, startCentrifugoGateway);
  }
  if (missing !== undefined) failures.push(notRun(`the comparison with Centrifugo (missing: ${missing})`));
  return [
    ...describe(names.embedded, embedded),
    ...describe(names.centrifugo, centrifugo),
    // A round without one of its sides has been told as a failure already.
    ...(embedded.length === rounds && centrifugo.length === rounds ? compare(embedded, centrifugo) : []),
    ...failures,
  ];
}

function compare(embedded: readonly FanOutResult[], centrifugo: readonly FanOutResult[]): Metric[] {
  const ratios = (of: (result: FanOutResult) => number): number[] =>
    embedded.map((result, round) => of(result) / of(centrifugo[round]!));
  const deliveries = ratios(({ deliveriesPerCpuSecond }) => deliveriesPerCpuSecond);
  const memory = ratios(({ idleBytesPerSubscriber }) => idleBytesPerSubscriber);
  const name = (what: string): string => `embedded gateway's ${what}, of Centrifugo's, median of ${rounds}`;
  return [
    atLeast(name('deliveries per core'), median(deliveries), 'ratio', targets.shareOfCentrifugo),
    measured('  of these the lowest', Math.min(...deliveries), 'ratio'),
    atMost(name('memory per idle subscriber'), median(memory), 'ratio', targets.memoryOfCentrifugo),
    measured('  of these the highest', Math.max(...memory), 'ratio'),
  ];
}

function describe(name: string, results: readonly FanOutResult[]): Metric[] {
  if (results.length === 0) return [];
  const at = (what: string): string => `${name}, ${subscribers} subscribers: ${what}`;
  const of = (value: (result: FanOutResult) => number): number => median(results.map(value));
  return [
    measured(
      at('deliveries'),
      of(({ deliveriesPerSecond }) => deliveriesPerSecond),
      'deliveries/s',
    ),
    measured(
      at('deliveries per core'),
      of(({ deliveriesPerCpuSecond }) => deliveriesPerCpuSecond),
      'deliveries/CPU s',
    ),
    measured(
      at('one publication with the last subscriber, p50'),
      of(({ lastSubscriberMs }) => lastSubscriberMs),
      'ms',
    ),
    measured(
      at('memory per idle subscriber'),
      of(({ idleBytesPerSubscriber }) => idleBytesPerSubscriber) / 1_024,
      'KiB',
    ),
  ];
}

function median(values: readonly number[]): number {
  return percentile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
}

/** What is promised and was not measured is a miss, wherever this runs. */
function notRun(what: string): Metric {
  return { name: `NOT RUN: ${what}`, value: 0, unit: 'runs', target: '>= 1', met: false };
}

function brokeOff(what: string, error: unknown, say: Say): Metric {
  say(`${what}: ${String(error)}`);
  return notRun(`${what} (its measurement broke off)`);
}
