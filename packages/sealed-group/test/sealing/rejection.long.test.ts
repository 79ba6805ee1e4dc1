/**
 * Any change to a claim or its proof is refused, and malformed bytes by the rule that they break: non-canonical points,
 * the identity anywhere [F7], scalars at or above the order, wrong lengths and shapes, responses out of bounds [F3].
 */
import { describe, expect, it } from 'vitest';
import { verifySealing } from '../../src/sealing/equations.ts';
import {
  digitRowBytes,
  repetitions,
  responseBytes,
  responseEnd,
  responseMin,
} from '../../src/sealing/parameters.ts';
import type { SealedSecret } from '../../src/sealing/sealed-secret.ts';
import { encodeResponses, sealingProofBytes } from '../../src/sealing/sealing-proof.ts';
import type { SealingClaim } from '../../src/sealing/statement.ts';
import type { PublicKey } from '../../src/signature/keys.ts';
import { claimOf, honestSealing, keyPair, seededRandom, suite } from './fixture.ts';

const recipientCounts = [2, 3];
const honest = honestSealing('rejection', recipientCounts);
const claim: SealingClaim = claimOf(honest);

function verdict(proof: Uint8Array, changed: Partial<SealingClaim> = {}): string {
  const random = seededRandom('verifier');
  const result = verifySealing(suite, { ...claim, ...changed, proof, random });
  return result.ok ? 'accepted' : result.rule;
}

function changedAt(bytes: Uint8Array, offset: number, replacement: Uint8Array | number): Uint8Array {
  const copy = bytes.slice();
  if (typeof replacement === 'number') copy[offset]! ^= replacement;
  else copy.set(replacement, offset);
  return copy;
}

/** The claim with one sealed node replaced. */
function withNode(index: number, changes: Partial<SealedSecret>): Partial<SealingClaim> {
  return { sealed: claim.sealed.map((node, i) => (i === index ? { ...node, ...changes } : node)) };
}

interface Part {
  readonly name: string;
  readonly kind: 'point' | 'scalar' | 'responses';
  readonly offset: number;
  readonly length: number;
}

/** Every part of the proof, written down again from the layout in 0002. */
function partsOfProof(): Part[] {
  const parts: Part[] = [];
  let offset = 0;
  const part = (name: string, kind: Part['kind'], length: number) => {
    parts.push({ name, kind, offset, length });
    offset += length;
  };
  part('W', 'point', repetitions * 32);
  part('z', 'responses', repetitions * responseBytes);
  part('w', 'scalar', 32);
  part('A', 'point', 64);
  part('za', 'scalar', 32);
  part('zb', 'scalar', 32);
  recipientCounts.forEach((count, node) => {
    part(`B of node ${node}`, 'point', (1 + count) * 32);
    part(`zm of node ${node}`, 'scalar', 32);
    part(`zr of node ${node}`, 'scalar', 32);
  });
  return parts;
}

const parts = partsOfProof();
const points = parts.filter((part) => part.kind === 'point');
const scalars = parts.filter((part) => part.kind === 'scalar');
const identity = new Uint8Array(32);
const otherPoint = keyPair('other point').publicKey;
const order = Uint8Array.from(
  '1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed'.match(/../g)!.reverse(),
  (hex) => Number.parseInt(hex, 16),
);

describe('a proof', () => {
  it('is accepted unchanged, and has the parts that this test changes', () => {
    expect(verdict(honest.proof)).toBe('accepted');
    const last = parts.at(-1)!;
    expect(last.offset + last.length).toBe(honest.proof.length);
    expect(sealingProofBytes(recipientCounts)).toBe(honest.proof.length);
  });

  it.each(parts)('is refused with any byte of $name changed', ({ offset, length }) => {
    for (const position of [0, length - 1]) {
      expect(verdict(changedAt(honest.proof, offset + position, 0x04))).not.toBe('accepted');
    }
  });

  it.each(points)('is refused with the identity, a non-canonical or another point in $name', (part) => {
    for (const at of [part.offset, part.offset + part.length - 32]) {
      expect(verdict(changedAt(honest.proof, at, identity))).toBe('sealing/proof-encoding');
      expect(verdict(changedAt(honest.proof, at, new Uint8Array(32).fill(0xff)))).toBe(
        'sealing/proof-encoding',
      );
    }
    expect(verdict(changedAt(honest.proof, part.offset, otherPoint))).toMatch(/consistency|shortness/);
  });

  it.each(scalars)('is refused with a scalar at or above the order in $name', ({ offset }) => {
    expect(verdict(changedAt(honest.proof, offset, order))).toBe('sealing/proof-encoding');
    expect(verdict(changedAt(honest.proof, offset, new Uint8Array(32).fill(0xff)))).toBe(
      'sealing/proof-encoding',
    );
    expect(verdict(changedAt(honest.proof, offset, new Uint8Array(32)))).toMatch(/consistency|shortness/);
  });

  it.each([0, responseMin - 1, responseEnd, 2 ** 40 - 1])('is refused with z = %i [F3]', (z) => {
    const start = parts.find((part) => part.name === 'z')!.offset;
    for (const k of [0, repetitions - 1]) {
      const proof = changedAt(honest.proof, start + k * responseBytes, encodeResponses([z]));
      expect(verdict(proof)).toBe('sealing/response-bounds');
    }
  });

  it('is refused with bytes missing or added, and empty', () => {
    for (const length of [0, honest.proof.length - 1, honest.proof.length - 32]) {
      expect(verdict(honest.proof.slice(0, length))).toBe('sealing/proof-length');
    }
    expect(verdict(Uint8Array.from([...honest.proof, 0]))).toBe('sealing/proof-length');
  });

  it('has its responses in [S, Z)', () => {
    const { offset } = parts.find((part) => part.name === 'z')!;
    const view = new DataView(honest.proof.buffer, honest.proof.byteOffset);
    for (let k = 0; k < repetitions; k++) {
      const at = offset + k * responseBytes;
      const z = view.getUint32(at, true) + view.getUint8(at + 4) * 2 ** 32;
      expect(z).toBeGreaterThanOrEqual(responseMin);
      expect(z).toBeLessThan(responseEnd);
    }
  });
});

describe('a claim', () => {
  const [first, second] = claim.sealed as [SealedSecret, SealedSecret];
  const [firstKeys, secondKeys] = claim.recipients as [PublicKey[], PublicKey[]];

  it('is refused for another context or body', () => {
    expect(verdict(honest.proof, { context: changedAt(claim.context, 0, 1) })).not.toBe('accepted');
    expect(verdict(honest.proof, { bodyHash: changedAt(claim.bodyHash, 31, 1) })).not.toBe('accepted');
  });

  it('is refused with another key, commitment or handle', () => {
    expect(verdict(honest.proof, withNode(0, { publicKey: otherPoint }))).toBe('sealing/key-consistency');
    for (const at of [0, digitRowBytes - 32]) {
      const commitments = changedAt(first.commitments, at, otherPoint);
      expect(verdict(honest.proof, withNode(0, { commitments }))).not.toBe('accepted');
      const handles = second.handles.map((row, t) => (t === 2 ? changedAt(row, at, otherPoint) : row));
      expect(verdict(honest.proof, withNode(1, { handles }))).not.toBe('accepted');
    }
  });

  it('is refused with the identity or a non-canonical point anywhere [F7]', () => {
    for (const bad of [identity, new Uint8Array(32).fill(0xff)]) {
      const rule = 'sealing/statement-encoding';
      expect(verdict(honest.proof, withNode(1, { publicKey: bad as PublicKey }))).toBe(rule);
      expect(verdict(honest.proof, withNode(0, { commitments: changedAt(first.commitments, 32, bad) }))).toBe(
        rule,
      );
      const handles = first.handles.map((row, t) => (t === 1 ? changedAt(row, 480, bad) : row));
      expect(verdict(honest.proof, withNode(0, { handles }))).toBe(rule);
      const keys = [firstKeys, [secondKeys[0]!, bad as PublicKey, secondKeys[2]!]];
      expect(verdict(honest.proof, { recipients: keys })).toBe(rule);
    }
  });

  it('is refused for other recipients, or the same in another order', () => {
    expect(verdict(honest.proof, { recipients: [[otherPoint, firstKeys[1]!], secondKeys] })).not.toBe(
      'accepted',
    );
    expect(verdict(honest.proof, { recipients: [firstKeys.toReversed(), secondKeys] })).not.toBe('accepted');
    const handles = first.handles.toReversed();
    expect(
      verdict(honest.proof, {
        ...withNode(0, { handles }),
        recipients: [firstKeys.toReversed(), secondKeys],
      }),
    ).not.toBe('accepted');
  });

  it('is refused with nodes exchanged, missing, added or repeated', () => {
    const both = { sealed: [second, first], recipients: [secondKeys, firstKeys] };
    expect(verdict(honest.proof, both)).not.toBe('accepted');
    expect(verdict(honest.proof, { sealed: [first], recipients: [firstKeys] })).toBe('sealing/proof-length');
    expect(verdict(honest.proof, { sealed: [first, first], recipients: [firstKeys, firstKeys] })).toBe(
      'sealing/proof-length',
    );
    expect(verdict(honest.proof, { sealed: [], recipients: [] })).toBe('sealing/proof-length');
  });

  it('is refused in the wrong shape', () => {
    const shape = 'sealing/shape';
    expect(verdict(honest.proof, { recipients: [firstKeys] })).toBe(shape);
    expect(verdict(honest.proof, { recipients: [firstKeys, secondKeys.slice(1)] })).toBe(shape);
    expect(verdict(honest.proof, withNode(0, { commitments: first.commitments.slice(32) }))).toBe(shape);
    expect(verdict(honest.proof, withNode(0, { handles: [first.handles[0]!, new Uint8Array(0)] }))).toBe(
      shape,
    );
    expect(verdict(honest.proof, { ...withNode(0, { handles: [] }), recipients: [[], secondKeys] })).toBe(
      shape,
    );
  });

  it('is refused with more than 1,024 nodes [F3]', () => {
    const sealed = Array.from({ length: 1025 }, () => first);
    const recipients = sealed.map(() => firstKeys);
    expect(verdict(honest.proof, { sealed, recipients })).toBe('sealing/node-limit');
  });
});
