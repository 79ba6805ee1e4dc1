/** What costs nothing is checked before points are decoded: a false proof is to be cheap to refuse. */
import { describe, expect, it } from 'vitest';
import { sealingEquations } from '../../src/sealing/equations.ts';
import { pointBytes } from '../../src/suite.ts';
import type { Suite } from '../../src/suite.ts';
import { repetitions } from '../../src/sealing/parameters.ts';
import { bodyHash, context, honestSealing, suite } from './fixture.ts';

const sealing = honestSealing('cheap first', [2, 3]);
const claim = {
  context,
  bodyHash,
  sealed: sealing.sealed,
  recipients: sealing.recipients.map((keys) => keys.map(({ publicKey }) => publicKey)),
};

function verdictOf(proof: Uint8Array, changed: Partial<typeof claim> = {}) {
  let decoded = 0;
  const counted: Suite = {
    ...suite,
    group: Object.create(suite.group, {
      decodePoint: { value: (bytes: Uint8Array) => ((decoded += 1), suite.group.decodePoint(bytes)) },
      decodePoints: { value: (bytes: Uint8Array) => ((decoded += 1), suite.group.decodePoints(bytes)) },
    }) as Suite['group'],
  };
  const equations = sealingEquations(counted, { ...claim, ...changed, proof });
  return { rule: equations.ok ? undefined : equations.rule, decoded };
}

describe('without decoding a point', () => {
  it('a proof of another length is refused', () => {
    expect(verdictOf(sealing.proof.subarray(1))).toEqual({ rule: 'sealing/proof-length', decoded: 0 });
  });

  it('responses out of bounds are refused', () => {
    for (const at of [0, repetitions - 1]) {
      const proof = sealing.proof.slice();
      proof.fill(0xff, repetitions * pointBytes + at * 5, repetitions * pointBytes + at * 5 + 5);
      expect(verdictOf(proof)).toEqual({ rule: 'sealing/response-bounds', decoded: 0 });
    }
  });

  it('another shape is refused', () => {
    expect(verdictOf(sealing.proof, { recipients: claim.recipients.slice(1) })).toEqual({
      rule: 'sealing/shape',
      decoded: 0,
    });
  });

  it('an honest proof is not', () => {
    const verdict = verdictOf(sealing.proof);
    expect(verdict.rule).toBeUndefined();
    expect(verdict.decoded).toBeGreaterThan(0);
  });
});
