/** With a generator that repeats, nothing secret is ever used under two challenges [F9]. */
import type { RandomSource } from '@conclave/ristretto';
import { describe, expect, it } from 'vitest';
import type { Hedge } from '../../src/hash/hedge.ts';
import { proveSealing } from '../../src/sealing/prove.ts';
import { parseSealingProof } from '../../src/sealing/sealing-proof.ts';
import { bodyHash, context, honestSealing, suite } from './fixture.ts';

const constant: RandomSource = { bytes: (length) => new Uint8Array(length).fill(1) };
const { targets, sealed, openings } = honestSealing('hedging', [2]);

function prove(changes: { bodyHash?: Uint8Array; context?: Uint8Array; hedge?: Partial<Hedge> } = {}) {
  const hedge: Hedge = {
    secret: Uint8Array.of(1),
    random: constant,
    context: Uint8Array.of(2),
    ...changes.hedge,
  };
  const proof = proveSealing(suite, {
    context: changes.context ?? context,
    bodyHash: changes.bodyHash ?? bodyHash,
    targets,
    sealed,
    openings,
    hedge,
  });
  const parsed = parseSealingProof(suite, proof, [2]);
  if (!parsed.ok) throw new Error(parsed.rule);
  return parsed.value;
}

describe('a proof made with a constant generator', () => {
  const first = prove();

  it('is the same for the same question', () => {
    expect(prove().blocks).toEqual(first.blocks);
  });

  it.each([
    ['body', { bodyHash: new Uint8Array(32) }],
    ['context', { context: new Uint8Array(32) }],
    ['hedge context', { hedge: { context: Uint8Array.of(3) } }],
    ['hedge secret', { hedge: { secret: Uint8Array.of(4) } }],
  ])('has other masks and nonces for another %s', (_, changes) => {
    const second = prove(changes);
    expect(second.blocks[0]!.masks).not.toEqual(first.blocks[0]!.masks);
    expect(second.key.commitments).not.toEqual(first.key.commitments);
    expect(second.handles[0]!.commitments).not.toEqual(first.handles[0]!.commitments);
  });

  it('has 128 different masks, and different nonces for key and handles', () => {
    const points = [first.blocks[0]!.masks, first.key.commitments, first.handles[0]!.commitments].flatMap(
      (bytes) => Array.from({ length: bytes.length / 32 }, (_, i) => bytes.slice(32 * i, 32 * i + 32).join()),
    );
    expect(new Set(points).size).toBe(128 + 2 + 3);
  });
});
