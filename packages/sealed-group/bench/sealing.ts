/**
 * Processor time of sealing and of signatures (`proof-tasks.ts`) on the kernel, on the reference, and of verification without any
 * of what makes it fast (`naive-verify.ts`), in units of one Ed25519 verification by node:crypto of the same run:
 *
 *   node packages/sealed-group/bench/sealing.ts [--reference]
 */
import { createNodeEngine } from '@conclave/ristretto/wasm-node';
import { createSuite } from '../src/suite.ts';
import type { Suite } from '../src/suite.ts';
import { naiveVerify } from './naive-verify.ts';
import { sealingTasks, signatureTasks, verifyTogether } from './proof-tasks.ts';
import { costOf } from './unit.ts';

const shape = { nodes: 10, recipientsPerNode: 2 };

function report(name: string, task: () => unknown, samples: number, per = 1): void {
  const { us, units } = costOf(samples, () => undefined, task, per);
  process.stdout.write(
    `${name.padEnd(52)} ${(us / 1000).toFixed(3).padStart(9)} ms ${units.toFixed(2).padStart(9)} E\n`,
  );
}

function reportSuite(name: string, suite: Suite, samples: number): void {
  const tasks = sealingTasks(suite, shape);
  report(`${name}: seal, 10 nodes x 2 recipients`, tasks.seal, samples);
  // Rejection sampling makes proving a matter of luck: more samples.
  report(`${name}: prove`, tasks.prove, 2 * samples + 1);
  report(`${name}: verify`, tasks.verify, samples);
  report(`${name}: open one node`, tasks.open, samples);
  report(`${name}: sign`, signatureTasks(suite, { count: 1, keys: 1 }).sign, samples);
  for (const keys of [64, 1]) {
    const { verify } = signatureTasks(suite, { count: 64, keys });
    report(`${name}: verify a signature, 64 together by ${keys} keys`, verify, samples, 64);
  }
}

const kernel = createSuite(createNodeEngine());
reportSuite('kernel', kernel, 15);
const claims = Array.from(
  { length: 16 },
  (_, i) => sealingTasks(kernel, { ...shape, seed: `batch ${i}` }).claim,
);
report('kernel: verify, each of 16 together', verifyTogether(kernel, claims), 7, 16);
if (process.argv.includes('--reference')) {
  reportSuite('reference', createSuite(), 3);
  report('naive: verify', () => checkNaively(kernel), 3);
}

function checkNaively(suite: Suite): void {
  if (!naiveVerify(suite, claims[0]!)) throw new Error('an honest proof was refused');
}
