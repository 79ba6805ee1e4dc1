/** Keys, signatures and batches of equations. Known answers: `vectors/signatures.json`. */
import type { RandomSource } from '@conclave/ristretto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { uint32 } from '../hash/label.ts';
import { createSuite } from '../suite.ts';
import { createEquationBatch, equationsHold } from './equation-batch.ts';
import { nextSecret, parsePublicKey, parseSecret, publicKeyOf } from './keys.ts';
import type { PublicKey, SecretScalar } from './keys.ts';
import { sign, signatureEquation, signaturePurposes } from './schnorr.ts';
import type { SignaturePurpose } from './schnorr.ts';

const suite = createSuite();
const { scalars } = suite.group;
const text = (value: string) => new TextEncoder().encode(value);

function seededRandom(seed: number): RandomSource {
  let counter = 0;
  return { bytes: (length) => suite.xof('test random', [uint32(seed), uint32(counter++)], length) };
}

const secret = scalars.fromWideBytes(seededRandom(1).bytes(64)) as SecretScalar;
const publicKey = publicKeyOf(suite, secret);
const hedge = { secret: text('hedge'), random: seededRandom(2), context: text('test') };
const order = Uint8Array.from(
  '1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed'.match(/../g)!.reverse(),
  (hex) => Number.parseInt(hex, 16),
);

const signFor = (purpose: SignaturePurpose, context = text('context')) =>
  sign(suite, { purpose, secret, publicKey, context, hedge });

function verifies(
  signature: Uint8Array,
  changes: { purpose?: SignaturePurpose; publicKey?: PublicKey; context?: Uint8Array } = {},
): boolean | undefined {
  const equation = signatureEquation(suite, {
    purpose: 'read',
    publicKey,
    context: text('context'),
    ...changes,
    signature,
  });
  return equation && equationsHold(suite, [equation], seededRandom(3));
}

describe('keys', () => {
  it('are never the identity, zero, or out of range [F7]', () => {
    expect(parsePublicKey(suite, new Uint8Array(32))).toBeUndefined();
    expect(parsePublicKey(suite, new Uint8Array(32).fill(255))).toBeUndefined();
    expect(parsePublicKey(suite, publicKey)).toEqual(publicKey);
    expect(parseSecret(suite, new Uint8Array(32))).toBeUndefined();
    expect(parseSecret(suite, order)).toBeUndefined();
    expect(parseSecret(suite, secret)).toEqual(secret);
  });

  it('go up a path one way', () => {
    const next = nextSecret(suite, secret);
    expect(next).toEqual(nextSecret(suite, secret));
    expect(next).not.toEqual(secret);
    expect(parseSecret(suite, next)).toEqual(next);
  });
});

describe('a signature', () => {
  it('verifies for any context', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (context) => {
        expect(verifies(signFor('read', context), { context })).toBe(true);
      }),
      { numRuns: 10, seed: 1 },
    );
  });

  it('verifies for no other purpose, context or key', () => {
    const signature = signFor('read');
    for (const purpose of signaturePurposes)
      expect(verifies(signature, { purpose })).toBe(purpose === 'read');
    expect(verifies(signature, { context: text('contexs') })).toBe(false);
    expect(verifies(signature, { publicKey: publicKeyOf(suite, nextSecret(suite, secret)) })).toBe(false);
  });

  it('does not verify with any byte changed', () => {
    const signature = signFor('read');
    for (let i = 0; i < signature.length; i++) {
      expect(verifies(signature.with(i, signature[i]! ^ 2))).not.toBe(true);
    }
  });

  it('is malformed with a bad length, a non-canonical or identity R, or z at or above the order [F7]', () => {
    const signature = signFor('read');
    const withR = (bytes: Uint8Array) => Uint8Array.from([...bytes, ...signature.slice(32)]);
    const withZ = (bytes: Uint8Array) => Uint8Array.from([...signature.slice(0, 32), ...bytes]);
    for (const malformed of [
      new Uint8Array(0),
      signature.slice(0, 63),
      Uint8Array.from([...signature, 0]),
      withR(new Uint8Array(32)),
      withR(new Uint8Array(32).fill(255)),
      withZ(order),
      withZ(new Uint8Array(32).fill(255)),
    ]) {
      expect(verifies(malformed)).toBeUndefined();
    }
    expect(verifies(signature, { publicKey: new Uint8Array(32) as PublicKey })).toBeUndefined();
  });

  it('never repeats R for two contexts or purposes, even with a constant generator [F9]', () => {
    const constant = { ...hedge, random: { bytes: (length: number) => new Uint8Array(length) } };
    const rOf = (purpose: SignaturePurpose, context: string) =>
      sign(suite, { purpose, secret, publicKey, context: text(context), hedge: constant })
        .slice(0, 32)
        .join();
    expect(rOf('read', 'a')).toBe(rOf('read', 'a'));
    expect(new Set([rOf('read', 'a'), rOf('read', 'b'), rOf('blob', 'a')]).size).toBe(3);
  });
});

describe('a batch', () => {
  const equationFor = (context: string, good: boolean) =>
    signatureEquation(suite, {
      purpose: 'message',
      publicKey,
      context: text(context),
      signature: signFor('message', text(good ? context : `not ${context}`)),
    })!;

  it('names exactly the tags with a false equation, wherever they are', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 9 }), (goods) => {
        const batch = createEquationBatch(suite);
        goods.forEach((good, tag) => batch.add([equationFor(`message ${tag}`, good)], tag));
        const failed = goods.flatMap((good, tag) => (good ? [] : [tag]));
        expect(batch.verify(seededRandom(4))).toEqual(
          failed.length === 0 ? { ok: true } : { ok: false, failed },
        );
      }),
      { numRuns: 8, seed: 2 },
    );
  });

  it('names a tag once, however many of its equations are false', () => {
    const batch = createEquationBatch(suite);
    batch.add([equationFor('a', false), equationFor('b', false)], 5);
    batch.add([equationFor('c', false)], 5);
    batch.add([], 6);
    expect(batch.verify(seededRandom(5))).toEqual({ ok: false, failed: [5] });
  });

  it('is not fooled by errors that cancel without weights', () => {
    const [first, second] = [equationFor('a', true), equationFor('b', true)];
    const off = (equation: typeof first, error: number) => ({
      points: [...equation.points, suite.group.generator],
      scalars: [...equation.scalars, scalars.fromNumber(error)],
    });
    const batch = createEquationBatch(suite);
    batch.add([off(first, 1)], 0);
    batch.add([off(second, -1)], 1);
    expect(batch.verify(seededRandom(6))).toEqual({ ok: false, failed: [0, 1] });
  });
});
