/** The code gives the known answers in `vectors/`, and takes them. */
import { readFileSync } from 'node:fs';
import { hexToBytes } from '@noble/hashes/utils.js';
import { describe, expect, it } from 'vitest';
import { openSealed } from '../../src/sealing/open.ts';
import { verifySealing } from '../../src/sealing/equations.ts';
import { equationsHold } from '../../src/signature/equation-batch.ts';
import { parsePublicKey, parseSecret } from '../../src/signature/keys.ts';
import { signatureEquation } from '../../src/signature/schnorr.ts';
import { seededRandom, suite } from './fixture.ts';
import { vectorFiles } from './vectors.ts';
import type { sealingVectors, signatureVectors } from './vectors.ts';

const random = seededRandom('verifier');

function read(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../../../vectors/${name}`, import.meta.url), 'utf8'));
}

describe('vectors', () => {
  it.each(Object.entries(vectorFiles))('%s is what the code computes', (name, compute) => {
    expect(compute()).toEqual(read(name));
  });

  it('signatures.json verifies', () => {
    const vectors = read('signatures.json') as ReturnType<typeof signatureVectors>;
    const publicKey = parsePublicKey(suite, hexToBytes(vectors.publicKey))!;
    const context = new TextEncoder().encode('context');
    for (const { purpose, signature } of vectors.signatures) {
      const equation = signatureEquation(suite, {
        purpose,
        publicKey,
        context,
        signature: hexToBytes(signature),
      });
      expect(equationsHold(suite, [equation!], random)).toBe(true);
    }
  });

  it('sealing.json verifies and opens', () => {
    const vectors = read('sealing.json') as ReturnType<typeof sealingVectors>;
    const sealed = vectors.nodes.map((node) => ({
      publicKey: parsePublicKey(suite, hexToBytes(node.publicKey))!,
      commitments: hexToBytes(node.commitments),
      handles: node.handles.map((row) => hexToBytes(row)),
    }));
    const recipients = vectors.nodes.map((node) =>
      node.recipients.map((key) => parsePublicKey(suite, hexToBytes(key.publicKey))!),
    );
    const proof = hexToBytes(vectors.proof);
    const claim = {
      context: hexToBytes(vectors.context),
      bodyHash: hexToBytes(vectors.bodyHash),
      sealed,
      recipients,
    };
    expect(verifySealing(suite, { ...claim, proof, random }).ok).toBe(true);
    vectors.nodes.forEach((node, i) =>
      node.recipients.forEach((key, recipient) => {
        const secret = parseSecret(suite, hexToBytes(key.secret))!;
        const opened = openSealed(suite, { sealed: sealed[i]!, recipient, secret });
        expect(opened).toEqual({ ok: true, value: hexToBytes(node.secret) });
      }),
    );
  });
});
