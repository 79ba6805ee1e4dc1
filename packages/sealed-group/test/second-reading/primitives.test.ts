/** vectors/hashing.json, signatures.json, sealing.json and padding.json by hand (docs/sealed-groups.md §2, §4, §6.3). */
import { expect, it } from 'vitest';
import type { hashingVectors, sealingVectors, signatureVectors } from '../sealing/vectors.ts';
import { readVectors } from '../vectors/write-vectors.ts';
import { openRow } from './open-row.ts';
import {
  bytes,
  hashTuple,
  hex,
  nextSecret,
  padme,
  publicKeyOf,
  scalarBytes,
  schnorrHolds,
  Transcript,
  utf8,
  xof,
} from './primitives.ts';
import { brokenIn } from './sealing.ts';

it('hashes, transcripts and their challenges come out', () => {
  const vectors = readVectors('hashing.json') as ReturnType<typeof hashingVectors>;
  for (const { parts, hash } of vectors.hashTuple)
    expect(hex(hashTuple('vector', ...parts.map(utf8)))).toBe(hash);
  for (const { parts, length, output } of vectors.xof)
    expect(hex(xof('vector', parts.map(utf8), length))).toBe(output);
  const transcript = Transcript.start('vector');
  transcript.absorb('first', utf8('one'));
  transcript.absorb('second', utf8('two'));
  const fork = transcript.fork('branch');
  fork.absorb('third', utf8('three'));
  expect(hex(fork.challenge('bytes', 16))).toBe(vectors.transcript.forkBytes);
  transcript.join(fork);
  expect(hex(scalarBytes(transcript.challengeScalar('scalar')))).toBe(vectors.transcript.scalar);
  expect(hex(scalarBytes(transcript.challengeScalar('scalar')))).toBe(vectors.transcript.sameLabelAgain);
});

it('signatures of every purpose hold, for that purpose only', () => {
  const vectors = readVectors('signatures.json') as ReturnType<typeof signatureVectors>;
  const publicKey = bytes(vectors.publicKey);
  expect(hex(publicKeyOf(bytes(vectors.secret)))).toBe(vectors.publicKey);
  expect(hex(nextSecret(bytes(vectors.secret)))).toBe(vectors.nextSecret);
  for (const { purpose, signature } of vectors.signatures) {
    const said = { purpose, publicKey, context: utf8('context'), signature: bytes(signature) };
    expect(schnorrHolds(said)).toBe(true);
    expect(schnorrHolds({ ...said, purpose: `${purpose}s` })).toBe(false);
  }
});

it('the sealing proof of two nodes holds, and every recipient opens its node', () => {
  const vectors = readVectors('sealing.json') as ReturnType<typeof sealingVectors>;
  const nodes = vectors.nodes.map((node) => ({
    key: bytes(node.publicKey),
    recipients: node.recipients.map(({ publicKey }) => bytes(publicKey)),
    commitments: bytes(node.commitments),
    handles: node.handles.map(bytes),
  }));
  const claim = { context: bytes(vectors.context), bodyHash: bytes(vectors.bodyHash), nodes };
  expect(brokenIn({ ...claim, proof: bytes(vectors.proof) })).toBeUndefined();
  for (const [i, { secret, recipients }] of vectors.nodes.entries()) {
    for (const [t, recipient] of recipients.entries()) {
      const opened = openRow(nodes[i]!.commitments, nodes[i]!.handles[t]!, bytes(recipient.secret));
      expect(hex(opened)).toBe(secret);
    }
  }
});

it('padded sizes come out', () => {
  const vectors = readVectors('padding.json') as { size: number; padme: number; paddedContent: number }[];
  for (const { size, ...padded } of vectors) {
    expect({ padme: padme(size), paddedContent: Math.max(256, padme(4 + size)) }).toEqual(padded);
  }
});
