/** Honest sealings verify, and every recipient opens the secret. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verifySealing } from '../../src/sealing/equations.ts';
import { openSealed } from '../../src/sealing/open.ts';
import { sealingProofBytes } from '../../src/sealing/sealing-proof.ts';
import { createEquationBatch } from '../../src/signature/equation-batch.ts';
import { sign, signatureEquation } from '../../src/signature/schnorr.ts';
import { sealingEquations } from '../../src/sealing/equations.ts';
import { claimOf, hedgeOf, honestSealing, keyPair, seededRandom, suite } from './fixture.ts';

describe('sealing', () => {
  it('verifies for honest provers of any shape, and every recipient opens its node', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 4 }),
        fc.integer(),
        (recipientCounts, seed) => {
          const sealing = honestSealing(`shape ${seed}`, recipientCounts);
          const random = seededRandom('verifier');
          expect(sealing.proof.length).toBe(sealingProofBytes(recipientCounts));
          expect(verifySealing(suite, { ...claimOf(sealing), proof: sealing.proof, random })).toEqual({
            ok: true,
            value: undefined,
          });
          sealing.sealed.forEach((sealed, node) => {
            // First and last: each costs sixteen multiplications.
            for (const recipient of new Set([0, recipientCounts[node]! - 1])) {
              const secret = sealing.recipients[node]![recipient]!.secret;
              expect(openSealed(suite, { sealed, recipient, secret })).toEqual({
                ok: true,
                value: sealing.targets[node]!.secret,
              });
            }
          });
        },
      ),
      { numRuns: 5, seed: 42 },
    );
  });

  it('has an empty proof when nothing is sealed', () => {
    const sealing = honestSealing('nothing', []);
    expect(sealing.proof.length).toBe(0);
    const random = seededRandom('verifier');
    expect(verifySealing(suite, { ...claimOf(sealing), proof: sealing.proof, random }).ok).toBe(true);
    expect(verifySealing(suite, { ...claimOf(sealing), proof: new Uint8Array(1), random })).toMatchObject({
      rule: 'sealing/proof-length',
    });
  });

  it('folds with signatures into one batch that names what is false', () => {
    const signer = keyPair('signer');
    const purpose = 'commit-old';
    const signed = { purpose, publicKey: signer.publicKey, context: Uint8Array.of(1) } as const;
    const signature = sign(suite, { ...signed, secret: signer.secret, hedge: hedgeOf('sign') });
    const sealings = [honestSealing('first', [2]), honestSealing('second', [2])];
    const proofs = sealings.map((sealing) => sealing.proof.slice());
    const last = proofs[1]!.length - 32;
    proofs[1]![last]! ^= 1; // a response, still below the order
    const batch = createEquationBatch(suite);
    sealings.forEach((sealing, tag) => {
      const equations = sealingEquations(suite, { ...claimOf(sealing), proof: proofs[tag]! });
      if (!equations.ok) throw new Error(equations.rule);
      batch.add(equations.value, tag);
    });
    batch.add([signatureEquation(suite, { ...signed, signature })!], 2);
    expect(batch.verify(seededRandom('verifier'))).toEqual({ ok: false, failed: [1] });
  });
});
