/**
 * What a member's main thread spends on another's commit: with every claim verified in place, and with the dear ones in the worker.
 *
 *   node packages/sdk/bench/commit-on-main-thread.ts [members] [rounds]        one JSON line for each kind of tree
 *
 * Milliseconds of CPU of the main thread, packing and messages included, and milliseconds until the commit is taken.
 */
import { parseArgs } from 'node:util';
import { DenseGroup, systemRandom, valueOf } from '@conclave/sealed-group/bench/dense-group';
import { eligibilityClaim, leafFrom, parseFrame, verifyCommit } from '@conclave/sealed-group';
import { claimCost, clientVerification, type CommitFrame } from '@conclave/sealed-group';
import { createNodeSuite } from '../src/node/index.ts';
import { startProofThread } from '../src/node/proof-thread.ts';
import { createVerifierWithFallback } from '../src/proof-worker/create-verifier.ts';
import { createWorkerVerifier } from '../src/proof-worker/worker-verifier.ts';
import { createSystemClock } from '../src/index.ts';

const { positionals } = parseArgs({ allowPositionals: true });
const [members = 1_024, rounds = 15] = positionals.map(Number);
const suite = createNodeSuite();
const worker = createWorkerVerifier({
  startThread: startProofThread,
  kernel: suite.kernel,
  clock: createSystemClock(),
});
const verifiers = {
  inPlace: undefined,
  inWorker: createVerifierWithFallback({ suite, random: systemRandom }, worker.verify),
};

for (const tree of ['dense', 'every other leaf removed'] as const) {
  const group = new DenseGroup(suite, members, tree === 'dense' ? undefined : (leaf) => leaf % 2 === 1);
  const { bytes } = group.commit(group.publicGroup(), 0);
  const none = (): { cpu: number[]; wall: number[] } => ({ cpu: [], wall: [] });
  const times = { inPlace: none(), inWorker: none() };
  for (let round = -3; round < rounds; round++) {
    for (const way of ['inPlace', 'inWorker'] as const) {
      const proofVerifier = verifiers[way];
      const member = group.member(members - 2, proofVerifier === undefined ? {} : { proofVerifier });
      const cpuBefore = process.threadCpuUsage();
      const startMs = performance.now();
      valueOf(await member.processFrameAsync(bytes, member.lastSeq + 1));
      const wall = performance.now() - startMs;
      const { user, system } = process.threadCpuUsage(cpuBefore);
      // The first rounds build tables and compile.
      if (round < 0) continue;
      times[way].cpu.push((user + system) / 1_000);
      times[way].wall.push(wall);
    }
  }
  const median = (values: readonly number[]): number => {
    const sorted = values.toSorted((a, b) => a - b);
    return Number(sorted[Math.floor(sorted.length / 2)]!.toFixed(2));
  };
  const frame = valueOf(parseFrame(bytes)) as CommitFrame;
  const before = group.publicGroup();
  const { claims } = valueOf(verifyCommit(before, frame, clientVerification));
  const eligible = valueOf(eligibilityClaim(before, leafFrom(before, frame), frame));
  process.stdout.write(
    `${JSON.stringify({
      members,
      tree,
      frameBytes: bytes.length,
      recipients: frame.content.sealed.reduce((sum, { handles }) => sum + handles.length, 0),
      points: [eligible, ...claims].reduce((sum, claim) => sum + claimCost(claim), 0),
      mainThreadMs: { inPlace: median(times.inPlace.cpu), inWorker: median(times.inWorker.cpu) },
      untilTakenMs: { inPlace: median(times.inPlace.wall), inWorker: median(times.inWorker.wall) },
    })}\n`,
  );
}
await worker.close();
