/**
 * What the proof pool does under load: verifications a second, frames in a batch, and how long a job holds the event loop.
 *
 *   node packages/server/bench/proof-pool.ts [seconds of each measurement]
 *
 * Messages: one signature each, of 32 groups. Commits: what an ordinary commit among 1,024 members seals (its 10 nodes, one
 * recipient each, and two more), of 8 groups. As much is under way as a busy server has: 512 messages, 32 commits.
 */
import { performance } from 'node:perf_hooks';
import { createMetrics, silentLog, systemClock } from '@conclave/platform';
import type { Claim } from '@conclave/sealed-group';
import { claimCost } from '@conclave/sealed-group/verification';
import { packClaims } from '@conclave/sealed-group/verification';
import { createProofPool } from '../src/proofs/proof-pool.ts';
import { newKeyPair, sealingClaim, signatureClaim } from '../test/proofs/claims.ts';

const seconds = Number(process.argv[2] ?? 3);
const wide = 2 ** 40;
const queue = {
  maxWaiting: wide,
  maxWaitingPerGroup: wide,
  maxWaitingPoints: wide,
  maxWaitingPointsPerGroup: wide,
};

interface Load {
  readonly name: string;
  readonly workers: number;
  readonly groups: number;
  readonly underWay: number;
  readonly frames: readonly (readonly Claim[])[];
}

async function measure({ name, workers, groups, underWay, frames }: Load): Promise<void> {
  const metrics = createMetrics({ prefix: '' });
  const deps = { clock: systemClock, log: silentLog, metrics };
  const pool = createProofPool(deps, { ...queue, workers });
  await pool.warmUp();
  let done = 0;
  let endMs = Infinity;
  const run = async (client: number): Promise<void> => {
    for (let next = client; performance.now() < endMs; next++) {
      const broken = await pool.verify(`group ${client % groups}`, frames[next % frames.length]!);
      if (broken !== undefined) throw new Error(broken.rule);
      done++;
    }
  };
  const clients = Array.from({ length: underWay }, (_, client) => run(client));
  const pause = (ms: number) => new Promise((resolve) => void setTimeout(resolve, ms));
  await pause(500);
  const doneBefore = done;
  const startMs = performance.now();
  const loop = performance.eventLoopUtilization();
  await pause(1_000 * seconds);
  const tookMs = performance.now() - startMs;
  const counted = done - doneBefore;
  const busyMs = performance.eventLoopUtilization(loop).active;
  endMs = 0;
  await Promise.all(clients);
  await pool.close();
  const batches = readBatches(await metrics.exposition());
  const points = frames[0]!.reduce((sum, claim) => sum + claimCost(claim), 0);
  report(name, {
    workers,
    'verifications a second': Math.round((1_000 * counted) / tookMs),
    'points a frame': points,
    'frames a batch': batches,
    'event loop, µs a frame': round((1_000 * busyMs) / counted),
  });
}

/** The mean of the histogram, over both lanes. */
function readBatches(exposition: string): number {
  const total = (part: string): number =>
    [...exposition.matchAll(new RegExp(`^proof_batch_frames_${part}\\{[^}]*\\} (\\S+)$`, 'gm'))]
      .map(([, value]) => Number(value))
      .reduce((sum, value) => sum + value, 0);
  return round(total('sum') / total('count'));
}

/** Copying alone, of a batch as large as it may be. */
function measurePacking(name: string, frames: readonly (readonly Claim[])[]): void {
  const runs = 2_000;
  for (let warmUp = 0; warmUp < runs; warmUp++) packClaims(frames);
  const startMs = performance.now();
  for (let run = 0; run < runs; run++) packClaims(frames);
  const us = (1_000 * (performance.now() - startMs)) / runs;
  report(name, { frames: frames.length, 'µs a batch': round(us), 'µs a frame': round(us / frames.length) });
}

function report(name: string, values: Record<string, number>): void {
  process.stdout.write(`${JSON.stringify({ name, ...values })}\n`);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

const keys = Array.from({ length: 32 }, newKeyPair);
const messages = Array.from({ length: 4_096 }, (_, index) => [signatureClaim(keys[index % keys.length])]);
const pathOfTen = [1, 1, 1, 1, 1, 1, 1, 1, 1, 3];
const commits = Array.from({ length: 16 }, () => [sealingClaim(pathOfTen)]);
const large = [sealingClaim(Array.from({ length: 40 }, () => 25))];

measurePacking('pack messages', messages.slice(0, 64));
measurePacking('pack a commit', commits.slice(0, 1));
measurePacking('pack a commit with 1,000 recipients', [large]);
await measure({ name: 'messages', workers: 1, groups: 32, underWay: 512, frames: messages });
for (const workers of [1, 2]) {
  await measure({ name: 'commits', workers, groups: 8, underWay: 32, frames: commits });
}
await measure({ name: 'commits with 1,000 recipients', workers: 1, groups: 2, underWay: 4, frames: [large] });
