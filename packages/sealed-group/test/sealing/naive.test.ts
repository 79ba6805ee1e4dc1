/** The naive verifier of the benches agrees with the real one, so that what they compare is the same. */
import { createNodeEngine } from '@conclave/ristretto/wasm-node';
import { expect, it } from 'vitest';
import { naiveVerify } from '../../bench/naive-verify.ts';
import { sealingTasks } from '../../bench/proof-tasks.ts';
import { createSuite } from '../../src/suite.ts';

const suite = createSuite(createNodeEngine());

it('the naive verifier accepts an honest proof and refuses one with any response changed', () => {
  const { claim, verify } = sealingTasks(suite, { nodes: 1, recipientsPerNode: 1 });
  expect(verify).not.toThrow();
  expect(naiveVerify(suite, claim)).toBe(true);
  // From the end: zr, zm, B, B0, zb, za, A2, A1, w; the responses z lie before w.
  for (const fromEnd of [32, 64, 160, 192, 288, 293]) {
    const proof = Uint8Array.from(claim.proof);
    proof[proof.length - fromEnd]! ^= 1;
    expect(naiveVerify(suite, { ...claim, proof })).toBe(false);
  }
}, 120_000);
