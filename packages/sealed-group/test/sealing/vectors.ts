/**
 * The known-answer vectors of hashing, signatures and sealing, computed. `generate-vectors.ts` writes them to `vectors/`,
 * `vectors.test.ts` compares. All bytes are hexadecimal. Random bytes come from `seededRandom(seed)` (`fixture.ts`): call
 * number i for n bytes gives suite.xof("test random", [seed, uint32(i)], n).
 */
import { bytesToHex } from '@noble/hashes/utils.js';
import { hashTuple } from '../../src/hash/hash-tuple.ts';
import { hedgedBytes, hedgedScalar } from '../../src/hash/hedge.ts';
import { Transcript } from '../../src/hash/transcript.ts';
import { nextSecret } from '../../src/signature/keys.ts';
import { sign, signaturePurposes } from '../../src/signature/schnorr.ts';
import { bodyHash, context, hedgeOf, honestSealing, keyPair, suite } from './fixture.ts';

const { group } = suite;
const hex = (bytes: Uint8Array) => bytesToHex(bytes);
const text = (value: string) => new TextEncoder().encode(value);

export function hashingVectors() {
  const tuples = [[], [''], ['a', 'bc'], ['ab', 'c'], ['abc', '']];
  const transcript = Transcript.start(suite, 'vector')
    .absorb('first', text('one'))
    .absorb('second', text('two'));
  const fork = transcript.fork('branch').absorb('third', text('three'));
  const forkBytes = fork.challengeBytes('bytes', 16);
  transcript.absorbFork(fork);
  return {
    description: 'hashTuple, xof, transcript and hedged randomness; label "vector"',
    hashTuple: tuples.map((parts) => ({ parts, hash: hex(hashTuple('vector', ...parts.map(text))) })),
    xof: tuples.map((parts) => ({
      parts,
      length: 40,
      output: hex(suite.xof('vector', parts.map(text), 40)),
    })),
    transcript: {
      steps:
        'start vector; absorb first=one, second=two; fork branch: absorb third=three, 16 bytes "bytes"; join',
      forkBytes: hex(forkBytes),
      scalar: hex(transcript.challengeScalar(group.scalars, 'scalar')),
      sameLabelAgain: hex(transcript.challengeScalar(group.scalars, 'scalar')),
    },
    hedge: {
      seed: 'vector',
      note: 'secret and context are the seed; a fresh seeded random for each value',
      bytes: hex(hedgedBytes(suite, 'vector', hedgeOf('vector'), 7, 24)),
      scalar: hex(hedgedScalar(suite, 'vector', hedgeOf('vector'), 7)),
    },
    messageBase: hex(group.encodePoint(suite.messageBase)),
  };
}

export function signatureVectors() {
  const { secret, publicKey } = keyPair('vector signer');
  return {
    description: 'Schnorr signatures; context "context", hedge seeded with "vector <purpose>"',
    secret: hex(secret),
    publicKey: hex(publicKey),
    nextSecret: hex(nextSecret(suite, secret)),
    signatures: signaturePurposes.map((purpose) => {
      const hedge = hedgeOf(`vector ${purpose}`);
      return {
        purpose,
        signature: hex(sign(suite, { purpose, secret, publicKey, context: text('context'), hedge })),
      };
    }),
  };
}

export function sealingVectors() {
  const sealing = honestSealing('vector', [1, 2]);
  return {
    description:
      'Two nodes sealed to one and two recipients, and the proof; hedges seeded with "vector seal", "vector prove"',
    context: hex(context),
    bodyHash: hex(bodyHash),
    nodes: sealing.sealed.map((sealed, node) => ({
      secret: hex(sealing.targets[node]!.secret),
      publicKey: hex(sealed.publicKey),
      recipients: sealing.recipients[node]!.map((key) => ({
        secret: hex(key.secret),
        publicKey: hex(key.publicKey),
      })),
      commitments: hex(sealed.commitments),
      handles: sealed.handles.map(hex),
    })),
    proof: hex(sealing.proof),
  };
}

export const vectorFiles = {
  'hashing.json': hashingVectors,
  'signatures.json': signatureVectors,
  'sealing.json': sealingVectors,
};
