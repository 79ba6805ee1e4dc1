/**
 * `conclave bench cluster`: what the same client gets from one process on SQLite and from one to three on real engines, and from the
 * embedded gateway and Centrifugo with 10,000 subscribers. Everything shares this machine's cores, the clients too: more
 * processes cannot be faster here. What a message costs each component in CPU time says what it would take elsewhere.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { missingCluster } from '@conclave/testkit/cluster';
import { atLeast, atMost, measured, reportOf } from '../metric.ts';
import type { Metric, Report } from '../metric.ts';
import { missingCentrifugoGateway, startCentrifugoGateway } from './centrifugo-gateway.ts';
import { measureDirectPublish } from './direct-publish.ts';
import { measureFanOut, startEmbeddedGateway } from './fan-out.ts';
import type { FanOutResult } from './fan-out.ts';
import type { Installation } from './installation.ts';
import { startOnEngines, startOnSqlite } from './installation.ts';
import { measureMessages } from './message-load.ts';

type Say = (line: string) => void;

const subscribers = 10_000;
const targets = { shareOfCentrifugo: 0.7, memoryOfCentrifugo: 1.5, addedMs: 5 } as const;

export async function runClusterBench(say: Say): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), 'conclave-bench-'));
  try {
    const metrics: Metric[] = [measured('cores, shared by everything', availableParallelism(), 'cores')];
    const directMs = await directPublishMs(say);
    metrics.push(measured('published directly: answer to arrival, p50', directMs, 'ms'));
    const measure = async (starting: Promise<Installation>): Promise<void> => {
      await using installation = await starting;
      const result = await measureMessages(installation, say);
      const addedMs = result.answerToArrivalMs - directMs;
      const name = `${installation.name}: outbox, relay and bus add, p50`;
      const taken = [...result.metrics, atMost(name, addedMs, 'ms', targets.addedMs)];
      // At once, so that what was measured is known even if a later part fails.
      for (const metric of taken) say(`  ${metric.name}: ${metric.value} ${metric.unit}`);
      metrics.push(...taken);
    };
    await measure(startOnSqlite(folder));
    const missing = missingCluster();
    if (missing === undefined) for (const processes of [1, 2, 3]) await measure(startOnEngines(processes));
    else metrics.push(notRun(`real engines (missing: ${missing})`));
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

async function compareGateways(say: Say): Promise<Metric[]> {
  const embedded = await (async () => {
    await using gateway = await startEmbeddedGateway();
    return await measureFanOut(gateway, subscribers, say);
  })();
  const missing = missingCentrifugoGateway();
  if (missing !== undefined)
    return [
      ...describe('embedded gateway', embedded),
      notRun(`the comparison with Centrifugo (missing: ${missing})`),
    ];
  let centrifugo: FanOutResult;
  try {
    await using gateway = await startCentrifugoGateway();
    centrifugo = await measureFanOut(gateway, subscribers, say);
  } catch (error) {
    // What was measured before is reported all the same; a comparison without its other side is a miss.
    say(`Centrifugo: ${String(error)}`);
    const broken = { ...notRun('the comparison with Centrifugo (its measurement broke off)'), met: false };
    return [...describe('embedded gateway', embedded), broken];
  }
  return [
    ...describe('embedded gateway', embedded),
    ...describe('Centrifugo', centrifugo),
    atLeast(
      "embedded gateway's deliveries per core, of Centrifugo's",
      embedded.deliveriesPerCpuSecond / centrifugo.deliveriesPerCpuSecond,
      'ratio',
      targets.shareOfCentrifugo,
    ),
    atMost(
      "embedded gateway's memory per idle subscriber, of Centrifugo's",
      embedded.idleBytesPerSubscriber / centrifugo.idleBytesPerSubscriber,
      'ratio',
      targets.memoryOfCentrifugo,
    ),
  ];
}

function describe(name: string, result: FanOutResult): Metric[] {
  const at = (what: string): string => `${name}, ${subscribers} subscribers: ${what}`;
  return [
    measured(at('deliveries'), result.deliveriesPerSecond, 'deliveries/s'),
    measured(at('deliveries per core'), result.deliveriesPerCpuSecond, 'deliveries/CPU s'),
    measured(at('one publication with the last subscriber, p50'), result.lastSubscriberMs, 'ms'),
    measured(at('memory per idle subscriber'), result.idleBytesPerSubscriber / 1_024, 'KiB'),
  ];
}

/** What could not be measured is told, and is a failure where everything must be there. */
function notRun(what: string): Metric {
  const isCi = (process.env['CI'] ?? '') !== '';
  return { name: `NOT RUN: ${what}`, value: 0, unit: 'runs', target: '>= 1', met: isCi ? false : null };
}
