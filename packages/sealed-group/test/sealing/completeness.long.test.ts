/** Large sealings: two blocks, an exactly full block, and a proof with every sixteenth byte changed. */
import { describe, expect, it } from 'vitest';
import { verifySealing } from '../../src/sealing/equations.ts';
import { openSealed } from '../../src/sealing/open.ts';
import { sealingProofBytes } from '../../src/sealing/sealing-proof.ts';
import { claimOf, honestSealing, seededRandom, suite } from './fixture.ts';

const random = seededRandom('verifier');

describe('sealing many nodes', () => {
  it.each([
    [63, 2],
    [64, 2],
    [65, 2],
    [70, 3],
    [20, 8],
  ])('verifies and opens for %i nodes with up to %i recipients', (nodes, maxRecipients) => {
    const counts = Array.from({ length: nodes }, (_, i) => 1 + ((i + 1) % maxRecipients));
    const sealing = honestSealing(`large ${nodes}`, counts);
    expect(sealing.proof.length).toBe(sealingProofBytes(counts));
    expect(verifySealing(suite, { ...claimOf(sealing), proof: sealing.proof, random }).ok).toBe(true);
    for (const node of [0, nodes - 1]) {
      const recipient = counts[node]! - 1;
      const { secret } = sealing.recipients[node]![recipient]!;
      const opened = openSealed(suite, { sealed: sealing.sealed[node]!, recipient, secret });
      expect(opened).toEqual({ ok: true, value: sealing.targets[node]!.secret });
    }
  });

  it('binds blocks to their place: exchanged blocks are refused', () => {
    const sealing = honestSealing(
      'two blocks',
      Array.from({ length: 128 }, () => 1),
    );
    const blockBytes = 128 * 37 + 32;
    const proof = sealing.proof.slice();
    proof.set(sealing.proof.subarray(blockBytes, 2 * blockBytes), 0);
    proof.set(sealing.proof.subarray(0, blockBytes), blockBytes);
    expect(verifySealing(suite, { ...claimOf(sealing), proof: sealing.proof, random }).ok).toBe(true);
    expect(verifySealing(suite, { ...claimOf(sealing), proof, random }).ok).toBe(false);
  });
});

describe('a proof with one byte changed', () => {
  it('is refused, wherever the byte is', () => {
    const sealing = honestSealing('every byte', [2]);
    for (let at = 0; at < sealing.proof.length; at += 16) {
      const proof = sealing.proof.slice();
      proof[at]! ^= 1 << ((at / 16) % 8);
      expect(verifySealing(suite, { ...claimOf(sealing), proof, random }).ok, `byte ${at}`).toBe(false);
    }
  });
});
