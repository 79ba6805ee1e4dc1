/** The protocol on the WASM kernel says byte for byte what it says on the reference, and each believes the other. */
import { createNodeEngine } from '@conclave/ristretto/wasm-node';
import { expect, it } from 'vitest';
import { verifySealing } from '../../src/sealing/equations.ts';
import { openSealed } from '../../src/sealing/open.ts';
import { proveSealing } from '../../src/sealing/prove.ts';
import { sealSecrets } from '../../src/sealing/seal.ts';
import { sign } from '../../src/signature/schnorr.ts';
import { createSuite } from '../../src/suite.ts';
import type { Suite } from '../../src/suite.ts';
import { bodyHash, claimOf, context, hedgeOf, keyPair, seededRandom, suite, targetsOf } from './fixture.ts';

const kernel = createSuite(createNodeEngine());

function sealingBy(engine: Suite, seed: string, recipientCounts: readonly number[]) {
  const { targets, recipients } = targetsOf(seed, recipientCounts);
  const { sealed, openings } = sealSecrets(engine, { targets, hedge: hedgeOf(`${seed} seal`) });
  const hedge = hedgeOf(`${seed} prove`);
  const proof = proveSealing(engine, { context, bodyHash, targets, sealed, openings, hedge });
  return { targets, recipients, sealed, proof };
}

it.each([[[2]], [[2, 3, 2]], [[2, 2, 2, 2, 2, 2, 2, 2, 2, 2]]])(
  'sealing for %j recipients',
  (recipientCounts) => {
    const reference = sealingBy(suite, 'engines', recipientCounts);
    const fast = sealingBy(kernel, 'engines', recipientCounts);
    expect(fast.sealed).toEqual(reference.sealed);
    expect(fast.proof).toEqual(reference.proof);
    const random = seededRandom('verifier');
    expect(verifySealing(kernel, { ...claimOf(reference), proof: reference.proof, random })).toMatchObject({
      ok: true,
    });
    const forged = Uint8Array.from(reference.proof);
    forged[forged.length - 40]! ^= 1;
    for (const engine of [suite, kernel]) {
      expect(verifySealing(engine, { ...claimOf(fast), proof: forged, random }).ok).toBe(false);
    }
    const opening = { sealed: fast.sealed[0]!, recipient: 1, secret: fast.recipients[0]![1]!.secret };
    expect(openSealed(kernel, opening)).toEqual({ ok: true, value: fast.targets[0]!.secret });
  },
);

it('signatures', () => {
  const input = { purpose: 'leave', context, ...keyPair('signer') } as const;
  const [reference, fast] = [suite, kernel].map((engine) =>
    sign(engine, { ...input, hedge: hedgeOf('sign') }),
  );
  expect(fast).toEqual(reference);
});
